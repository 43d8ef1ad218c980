"""Identity documents, names and phones as forms carry them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from app.members.documents import DocumentNumber, mask_number, parse_document_number
from app.members.names import name_fault, parse_name
from app.members.phones import mask_phone, parse_phone, phone_fault

TODAY = date(2026, 11, 22)
GOOD = "11010519491231002X"


def numbered(body: str) -> str:
    return body + ric.calc_check_digit(body + "0")


def parsed(text: object, kind: str = "resident_id", **more: object) -> DocumentNumber | str:
    return parse_document_number(text, kind, today=TODAY, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    [
        GOOD,
        "11010519491231002x",
        " 110105 19491231 002X ",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105-19491231-002x",
        "'11010519491231002X",
        "\u3000110105\u200b19491231002X",
    ],
)
def test_what_people_type_is_one_number(typed: str) -> None:
    document = parsed(typed)
    assert isinstance(document, DocumentNumber)
    assert (document.number, document.type) == (GOOD, "resident_id")
    assert (document.birth_on, document.sex) == (date(1949, 12, 31), "female")
    assert document.warnings == ()


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (None, "document-missing"),
        ("  ", "document-missing"),
        (110105194912310021, "document-lost-digits"),
        (1.10105194912310e17, "document-lost-digits"),
        ("1.10105194912310E+17", "document-lost-digits"),
        ("110105194912310000.0", "document-lost-digits"),
        ("110105491231002", "document-fifteen-digits"),
        ("11010519491231002", "document-length"),
        ("1101051949123100X2", "document-form"),
        ("11010519491231002１１", "document-length"),
        ("110105194912310021", "document-check-character"),
        (numbered("11010519490229002"), "document-birth-date"),
        (numbered("11010519491331002"), "document-birth-date"),
        (numbered("11010520270101002"), "document-birth-future"),
        (numbered("11010518490101002"), "document-birth-too-long-ago"),
        ("一二三四五六七八九十一二三四五六七八", "document-form"),
        ("११०१०५१९४९१२३१००२X", "document-form"),
    ],
)
def test_a_bad_number_names_its_fault(typed: object, code: str) -> None:
    assert parsed(typed) == code


def test_born_today_is_past_and_tomorrow_is_not() -> None:
    assert isinstance(parsed(numbered("11010520261122002")), DocumentNumber)
    assert parsed(numbered("11010520261123002")) == "document-birth-future"


@pytest.mark.parametrize(
    ("area", "kind", "warned"),
    [
        ("500105", "resident_id", False),
        ("500157", "resident_id", False),
        ("999999", "foreign_permanent_residence", False),
        ("690101", "resident_id", True),
        ("810000", "residence_permit", False),
        ("820000", "residence_permit", False),
        ("830000", "residence_permit", False),
    ],
)
def test_the_area_is_a_warning_only(area: str, kind: str, warned: bool) -> None:
    document = parsed(numbered(f"{area}19900101001"))
    assert isinstance(document, DocumentNumber)
    assert document.type == kind
    assert bool(document.warnings) is warned


def test_one_number_has_one_index_whatever_card_it_is_printed_on() -> None:
    permit = numbered("81000019900101001")
    one, other = parsed(permit), parsed(permit, "residence_permit")
    assert isinstance(one, DocumentNumber)
    assert isinstance(other, DocumentNumber)
    assert one.index_value == other.index_value
    assert parsed(GOOD, "residence_permit") == "document-type-mismatch"


def test_passports_need_what_their_number_does_not_tell() -> None:
    born = date(1990, 5, 1)
    assert parsed("e1234567", "passport") == "document-country-missing"
    assert parsed("e1234567", "passport", issuing_country="fra") == "document-birth-missing"
    known = {"issuing_country": "fra", "birth_on": born}
    assert parsed("e1234567", "passport", **known) == "document-sex-missing"
    full = parsed("e 1234567", "passport", sex="female", **known)
    assert isinstance(full, DocumentNumber)
    assert (full.number, full.issuing_country) == ("E1234567", "FRA")
    assert full.index_value == "passport:FRA:E1234567"
    assert parsed("e-", "passport", **known) == "document-form"


def test_permanent_residence_cards_old_and_new() -> None:
    new = parsed(numbered("91100019900101001"), "foreign_permanent_residence")
    assert isinstance(new, DocumentNumber)
    assert new.birth_on == date(1990, 1, 1)
    said = {"birth_on": date(1981, 8, 3), "sex": "male"}
    old = parsed("CAN310081080310", "foreign_permanent_residence", **said)
    assert isinstance(old, DocumentNumber)
    assert old.issuing_country == "CAN"
    said["birth_on"] = date(1981, 8, 4)
    differs = parsed("CAN310081080310", "foreign_permanent_residence", **said)
    assert differs == "document-birth-differs"


def test_what_is_said_beside_a_number_must_agree() -> None:
    assert parsed(GOOD, birth_on=date(1949, 12, 30)) == "document-birth-differs"
    assert parsed(GOOD, sex="male") == "document-sex-differs"


@given(
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
    st.integers(0, 16),
    st.integers(1, 9),
)
def test_every_single_wrong_digit_is_found(
    born: date, sequence: int, place: int, shift: int
) -> None:
    good = numbered(f"110105{born:%Y%m%d}{sequence:03d}")
    document = parsed(good)
    assert isinstance(document, DocumentNumber)
    assert document.birth_on == born
    assert document.sex == ("male" if sequence % 2 else "female")
    wrong = good[:place] + str((int(good[place]) + shift) % 10) + good[place + 1 :]
    assert isinstance(parsed(wrong), str)


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    assert isinstance(parsed(text), str | DocumentNumber)
    assert (parse_name(text) is None) == (name_fault(text, "/name") is not None)
    assert (parse_phone(text) is None) == (phone_fault(text, "/phone") is not None)


def test_a_mask_keeps_the_ends_only() -> None:
    assert mask_number(GOOD) == "110***********002X"
    assert mask_number("E123456") == "E*****6"
    assert mask_phone("+8613812345678") == "138****5678"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("张 三", "张三"),
        (" 张\u3000小 明 ", "张小明"),
        ("买买提•艾合买提", "买买提·艾合买提"),
        ("买买提 · 艾合买提", "买买提·艾合买提"),
        ("Ａｎｎａ  Lee", "Anna Lee"),
        ("O'Neil-Smith", "O'Neil-Smith"),
        ("𠮷田", "𠮷田"),
    ],
)
def test_a_name_has_one_spelling(typed: str, name: str) -> None:
    assert parse_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "code"),
    [("", "name-missing"), ("张", "name-length"), ("张3", "name-character"), (5, "name-missing")],
)
def test_a_bad_name_names_its_fault(typed: object, code: str) -> None:
    found = name_fault(typed, "/name")
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("13812345678", "+8613812345678"),
        ("+86 138-1234-5678", "+8613812345678"),
        ("0086 13812345678", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        (13812345678, "+8613812345678"),
        (13812345678.0, "+8613812345678"),
        ("02312345678", None),
        ("1381234567", None),
        ("12812345678", None),
        (True, None),
        (float("nan"), None),
    ],
)
def test_a_phone_is_stored_in_one_form(typed: object, phone: str | None) -> None:
    assert parse_phone(typed) == phone
