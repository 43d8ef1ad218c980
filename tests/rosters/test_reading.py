"""Both walks over a file see the same rows, whatever the file looks like."""

import csv
import io
import json

from hypothesis import example, given
from hypothesis import strategies as st

from app.rosters.reading import CsvFile, JsonFile, Unreadable, reference_of
from app.rosters.survey import Present, Survey, is_mass_disappearance, survey_file
from app.rosters.validation import clean_name

KEY = bytes(range(32))
HEADER = "工号,姓名,身份证号,手机号码"
CELL = st.text("AB张三12 \t;,\"'\n\r\u3000\x85", max_size=5)
RECORDS = st.lists(st.lists(CELL, max_size=6), max_size=6)


def same_rows(body: bytes) -> None:
    """Fingerprints and rows agree on numbers and references, or fail alike."""
    file = CsvFile(body)
    if file.errors:
        return
    try:
        rows = [(row.number, reference_of(row.cells[0])) for row in file.rows()]
    except Unreadable:
        # A quote that is not closed: the first walk is what refuses the file.
        assert survey_file(file, KEY, Present({}, frozenset())).errors
        return
    assert [(number, ref) for number, ref, _ in file.fingerprints(KEY)] == rows


@given(st.lists(st.text("AB张,12 \n\r\u3000\x85", max_size=12), max_size=8))
@example(["", "A,B", "", ",,,", "B"])
@example([" ,", "\r", "A"])
def test_plain_files(lines: list[str]) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        for end in ("\n", "\r\n"):
            same_rows(end.join([HEADER, *lines]).encode(encoding))


@given(RECORDS)
def test_quoted_files(records: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER.split(","), *records])
    same_rows(text.getvalue().encode())


@given(st.binary(max_size=60))
def test_bytes_that_are_no_roster(noise: bytes) -> None:
    same_rows(HEADER.encode() + b"\n" + noise)
    CsvFile(noise)
    JsonFile(noise)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["rider_ref", "name", "x"]), st.text(max_size=3) | st.integers()
        )
        | st.integers(),
        max_size=5,
    )
)
def test_json(riders: list[object]) -> None:
    file = JsonFile(json.dumps({"riders": riders}).encode())
    rows = list(file.rows())
    assert [row.number for row in rows] == [number for number, *_ in file.fingerprints(KEY)]


def test_a_line_with_a_byte_order_mark_and_nothing_else() -> None:
    same_rows(b"\xef\xbb\xbf\r\n" + HEADER.encode() + b"\r\nR1,a,b,c\r\n")


def test_a_change_in_any_cell_changes_the_hash() -> None:
    def hashes(text: str) -> list[bytes]:
        return [digest for *_, digest in CsvFile(f"{HEADER}\n{text}\n".encode()).fingerprints(KEY)]

    assert hashes("R1,a,b,c") == hashes("R1,a,b,c")
    assert hashes("R1,a,b,c") != hashes("R1,a,b,d")
    assert hashes('R1,"a,b",c') != hashes('R1,a,"b,c"')


def survey_missing(missing: int, before: int) -> bool:
    present = Present({str(number): b"" for number in range(before)}, frozenset())
    survey = Survey.__new__(Survey)
    survey.newly_missing = missing
    return is_mass_disappearance(survey, present, 30)


def test_what_counts_as_a_mass_disappearance() -> None:
    assert not survey_missing(30, 100)
    assert survey_missing(31, 100)
    assert not survey_missing(9, 9)


def test_names_lose_what_forms_append() -> None:
    for written in (
        "张三(渝北站)",
        "张三（夜班）",
        "张三-配送二组",
        "张 三 【离职】",
        "张三/骑手部",
    ):
        assert clean_name(written) == "张三"
    for kept in ("王站", "阿卜杜拉·买买提", "O'Neil-Smith", "欧阳组"):
        assert clean_name(kept) == kept
