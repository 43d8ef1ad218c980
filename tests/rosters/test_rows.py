"""Every row gets an answer: what is put right, what is refused, all errors at once."""

from datetime import date
from typing import Any

import pytest

from tests.rosters.factories import Platform, csv_of, document_number, fetch, rider

pytestmark = pytest.mark.anyio


async def answer_to(platform: Platform, **given: Any) -> dict[str, Any]:
    """The answer to one rider who is otherwise in order."""
    await platform.push([rider(**given)])
    return (await platform.rows())[0]


def codes(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["column"], error["code"]) for error in row["errors"]]


async def test_all_errors_of_a_row_at_once_and_masked(platform: Platform) -> None:
    bad = rider(rider_ref="13812345678", name="", document_number="110105194912310021", phone="123")
    await platform.push([rider(), bad, rider()])
    rows = await platform.rows()
    assert [row["answer"] for row in rows] == ["enrolled", "refused", "enrolled"]
    assert codes(rows[1]) == [
        ("rider_ref", "rider-ref-personal"),
        ("name", "name-missing"),
        ("phone", "phone-form"),
        ("document_number", "document-check-character"),
    ]
    shown = [error["value"] for error in rows[1]["errors"]]
    assert shown == ["138****5678", None, "1*3", "110***********0021"]
    assert rows[1]["errors"][1]["message"] == "请填写姓名"
    only = await platform.rows(answer="refused", limit=1)
    assert [row["row"] for row in only] == [2]


@pytest.mark.parametrize(
    ("given", "column", "code"),
    [
        ({"document_number": 110105194912310000}, "document_number", "document-lost-digits"),
        ({"document_number": "1.10105E+17"}, "document_number", "document-lost-digits"),
        ({"document_number": "=11010519491231002"}, "document_number", "formula"),
        ({"name": "@SUM(A1)"}, "name", "formula"),
        ({"document_number": "110105194913310028"}, "document_number", "document-birth-date"),
        ({"sex": "女", "document_number": "11010519900101001X"}, None, None),
        ({"document_type": "结婚证"}, "document_type", "document-type-unknown"),
        ({"plan": "NO-SUCH-PLAN"}, "plan", "plan-not-agreed"),
        ({"shares": 2}, "shares", "shares-differ"),
        ({"name": 7}, "name", "not-text"),
        ({"document_number": document_number(date(1950, 1, 1))}, None, "age-above-maximum"),
        ({"document_number": document_number(date(2015, 1, 1))}, None, "age-below-minimum"),
        ({"blood_type": "A"}, "blood_type", "member-unknown"),
    ],
)
async def test_refused_cells(
    platform: Platform, given: dict[str, Any], column: str | None, code: str | None
) -> None:
    row = await answer_to(platform, **given)
    assert row["answer"] == "refused"
    if code is not None:
        assert (column or "document_number", code) in codes(row)


async def test_what_forms_do_to_values_is_put_right(platform: Platform) -> None:
    base = document_number(date(1991, 2, 3))
    wide = base.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    untidy = rider(
        name=" 李 四 光 (渝北站)",
        document_number=f"{wide[:6]} {wide[6:].lower()} ",
        phone="+86 138 1234-0000",
    )
    await platform.push([untidy])
    row = (await platform.rows())[0]
    assert row["answer"] == "enrolled"
    assert row["notices"][0]["code"] == "name-cleaned"
    sealed = await fetch(
        platform.app,
        "select p.id, p.sealed from rider r join person p on p.id = r.person_id"
        " where r.partner_id = :partner",
        partner=platform.caller.account_id,
    )
    record = platform.app.state.vault.open("person", sealed[0].id, sealed[0].sealed)
    assert (record["name"], record["document_number"]) == ("李四光", base)
    assert record["phone"] == "+8613812340000"


async def test_the_first_of_two_rows_counts(platform: Platform) -> None:
    one, two = rider(), rider()
    same_reference = rider(rider_ref=one["rider_ref"])
    same_person = rider(document_number=two["document_number"])
    await platform.push([one, two, same_reference, same_person])
    rows = await platform.rows()
    assert [row["answer"] for row in rows] == ["enrolled", "enrolled", "refused", "refused"]
    assert codes(rows[2]) == [("rider_ref", "duplicate-reference")]
    assert codes(rows[3]) == [("document_number", "duplicate-person")]
    assert "1" in rows[2]["errors"][0]["message"]
    assert "2" in rows[3]["errors"][0]["message"]
    await platform.push([one, two, rider(document_number=one["document_number"])])
    assert codes((await platform.rows())[2]) == [("document_number", "duplicate-person")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_real_files(platform: Platform, encoding: str) -> None:
    header = "序号,工 号,姓名,证件类型,身份证号（18位）,性别,手机号码,单位名称,备注"
    riders = [rider(document_number=document_number(date(1990, 1, 1), 10 + n)) for n in range(3)]
    lines = [
        f"{n},{one['rider_ref']},{one['name']},身份证,{one['document_number']},"
        f"{'男' if int(one['document_number'][16]) % 2 else '女'},{one['phone']},无此站点,"
        for n, one in enumerate(riders, 1)
    ]
    body = "\r\n".join([header, *lines]).encode(encoding)
    roster = await platform.push(body, media_type="text/csv; charset=whatever")
    assert roster["answers"]["enrolled"] == 3, await platform.rows()
    assert roster["ignored_columns"] == ["序号", "备注"]
    rows = await platform.rows()
    assert "site-unknown" in {notice["code"] for notice in rows[0]["notices"]}


@pytest.mark.parametrize(
    ("body", "media_type", "errors"),
    [
        (b"", "text/csv", ["file-empty"]),
        (b" \n", "application/json", ["file-empty"]),
        (b'{"riders": []}', "application/json", ["file-no-rows"]),
        (b"[1, 2]", "application/json", ["file-malformed"]),
        (b'{"riders": [], "more": 1}', "application/json", ["file-malformed"]),
        ("工号,姓名,身份证号,手机号码\n".encode(), "text/csv", ["file-no-rows"]),
        (
            "工号,姓名,姓 名,血型,身份证号\nR,张三,张三,A,1\n".encode(),
            "text/csv",
            ["column-twice", "column-unknown", "column-missing"],
        ),
        (b"\xff\xfe\x00\x80,\x80\x80\n1,2\n", "text/csv", None),
        ('工号,姓名,身份证号,手机号码\nR,"张"三,1,2\n'.encode(), "text/csv", ["file-malformed"]),
    ],
)
async def test_files_that_are_refused_as_a_whole(
    platform: Platform, body: bytes, media_type: str, errors: list[str] | None
) -> None:
    roster = await platform.push(body, media_type=media_type)
    assert roster["status"] == "refused"
    found = [error["code"] for error in roster["errors"]]
    assert found == errors if errors is not None else found
    # A corrected file may come under a higher sequence, and an older one overwrites nothing.
    assert (await platform.push([rider()]))["answers"]["enrolled"] == 1


async def test_too_many_rows(platform: Platform) -> None:
    body = b'{"riders": [' + b",".join([b"{}"] * 100_001) + b"]}"
    roster = await platform.push(body)
    assert [error["code"] for error in roster["errors"]] == ["file-too-many-rows"]


async def test_rows_that_have_shifted_and_rows_that_are_short(platform: Platform) -> None:
    one, two = rider(), rider()
    text = csv_of([one, two]).splitlines()
    text[1] += ",,"
    text[2] = text[2].replace("身份证,", "")
    text.append(text[1].replace(one["rider_ref"], "R-x") + "x")
    await platform.push("\n\n".join(text).encode(), media_type="text/csv")
    rows = await platform.rows()
    assert [row["answer"] for row in rows] == ["enrolled", "refused", "refused"]
    assert [codes(row) for row in rows[1:]] == [[("", "row-too-short")], [("", "row-too-long")]]
    # Blank lines are counted, so that numbers are those of the spreadsheet.
    assert [row["row"] for row in rows] == [2, 4, 6]


async def test_messages_in_english(platform: Platform) -> None:
    await platform.push([rider(phone="")])
    answer = await platform.client.get(
        "/v1/partner/rosters/1/rows", headers=platform.caller.headers | {"Accept-Language": "en"}
    )
    assert answer.json()["items"][0]["errors"][0]["message"] == "Give the mobile number."
