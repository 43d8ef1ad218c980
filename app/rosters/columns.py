"""The columns of a roster file: what they mean, and the names that real files give them."""

import unicodedata
from collections.abc import Sequence

import msgspec

# A row, whatever the file's format, is a tuple of these in this order.
FIELDS = (
    "rider_ref",
    "name",
    "document_type",
    "document_number",
    "phone",
    "sex",
    "birth_on",
    "issuing_country",
    "site",
    "plan",
    "shares",
)
REQUIRED = ("rider_ref", "name", "document_number", "phone")

# Headers are compared without blanks, brackets' content and case (domain.md, "Forms that
# real unions use").
HEADERS: dict[str, str] = {
    "riderref": "rider_ref",
    "工号": "rider_ref",
    "员工编号": "rider_ref",
    "骑手编号": "rider_ref",
    "骑手id": "rider_ref",
    "name": "name",
    "姓名": "name",
    "documenttype": "document_type",
    "证件类型": "document_type",
    "documentnumber": "document_number",
    "身份证号": "document_number",
    "身份证号码": "document_number",
    "证件号": "document_number",
    "证件号码": "document_number",
    "phone": "phone",
    "手机": "phone",
    "手机号": "phone",
    "手机号码": "phone",
    "联系电话": "phone",
    "sex": "sex",
    "性别": "sex",
    "birthon": "birth_on",
    "出生日期": "birth_on",
    "issuingcountry": "issuing_country",
    "签发国家": "issuing_country",
    "国籍": "issuing_country",
    "site": "site",
    "站点": "site",
    "单位名称": "site",
    "plan": "plan",
    "计划": "plan",
    "保障计划": "plan",
    "shares": "shares",
    "份数": "shares",
}
# Known, and not used: the agreement says what is paid, and nobody needs the rest.
IGNORED = frozenset(
    {
        "序号",
        "no",
        "备注",
        "remark",
        "互助费",
        "会员费",
        "新增/续保",
        "新增续保",
        "开户银行",
        "银行账号",
    }
)

_CUT = str.maketrans("", "", " \t\u3000\u00a0_-*:：\ufeff")


class FileError(msgspec.Struct, frozen=True, array_like=True):
    """One thing wrong with the file as a whole; `column` is a header as the file has it,
    `row` where reading ended."""

    code: str
    column: str = ""
    row: int = 0


class Layout(msgspec.Struct, frozen=True):
    """Which cell of a row holds which field; -1 where the file has no such column."""

    positions: tuple[int, ...]
    width: int
    ignored: tuple[str, ...]


def plain_header(header: str) -> str:
    """A header as it is looked up: NFKC, no blanks, no remark in brackets, lower case."""
    text = unicodedata.normalize("NFKC", header).translate(_CUT).lower()
    return text.partition("(")[0]


def read_layout(headers: Sequence[str]) -> tuple[Layout, list[FileError]]:
    """The layout that a header row describes, and everything that is wrong with it."""
    errors: list[FileError] = []
    found: dict[str, int] = {}
    ignored: list[str] = []
    width = len(headers)
    while width and not headers[width - 1].strip():
        width -= 1
    for position, header in enumerate(headers[:width]):
        plain = plain_header(header)
        field = HEADERS.get(plain)
        if field is None:
            if plain in IGNORED:
                ignored.append(header.strip()[:40])
            else:
                errors.append(FileError("column-unknown", header.strip()[:40]))
        elif field in found:
            errors.append(FileError("column-twice", header.strip()[:40]))
        else:
            found[field] = position
    errors += [FileError("column-missing", name) for name in REQUIRED if name not in found]
    positions = tuple(found.get(name, -1) for name in FIELDS)
    return Layout(positions, width, tuple(ignored)), errors
