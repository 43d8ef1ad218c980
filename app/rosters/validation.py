"""Judging one row of a roster: everything that is wrong with it, at once, masked."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from app.members.documents import DocumentNumber, mask_number, parse_document_number
from app.members.names import mask_name, name_fault, normalise_name
from app.members.phones import parse_phone, phone_fault
from app.rosters.columns import FIELDS
from app.rosters.reading import Row

LONGEST_CELL = 256
LONGEST_REFERENCE = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PERSONAL = re.compile(r"(?:\+?86)?1[3-9]\d{9}|\d{17}[\dXx]", re.ASCII)
_FORMULA = re.compile(r"[=@]|[+-](?![\d\s()-]*$)")
# 张三(渝北站), 张三-骑手二组, 张三 配送部
_BRACKETED = re.compile(r"\s*[(\[【〔（].*$")
_DASHED = re.compile(
    r"\s*[-_/—]\s*[\u4e00-\u9fff\dA-Za-z]*(?:部|部门|站|站点|组|队|科|店|中心|公司)$"
)
_SPACED = re.compile(
    r"(?<=[\u4e00-\u9fff])\s+[\u4e00-\u9fff\dA-Za-z]+(?:部|部门|站|站点|组|队|科|店|中心|公司)$"
)
_DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", re.ASCII)

DOCUMENT_TYPE_WORDS = {
    "": "resident_id",
    "resident_id": "resident_id",
    "身份证": "resident_id",
    "居民身份证": "resident_id",
    "residence_permit": "residence_permit",
    "港澳台居民居住证": "residence_permit",
    "foreign_permanent_residence": "foreign_permanent_residence",
    "外国人永久居留身份证": "foreign_permanent_residence",
    "外国人永久居留证": "foreign_permanent_residence",
    "passport": "passport",
    "护照": "passport",
}
SEX_WORDS = {
    "": None,
    "男": "male",
    "男性": "male",
    "m": "male",
    "male": "male",
    "女": "female",
    "女性": "female",
    "f": "female",
    "female": "female",
}


class RowError(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One thing wrong with one cell: `value` is masked, `fields` fill the words."""

    column: str
    code: str
    value: str = ""
    fields: dict[str, int] | None = None


class Candidate(msgspec.Struct, gc=False):
    """A row that is well formed, in the one spelling of everything."""

    number: int
    rider_ref: str
    name: str
    document: DocumentNumber
    phone: str
    site: str
    plan: str
    shares: int | None
    notices: tuple[str, ...]
    row_hash: bytes = b""


class Judgement(msgspec.Struct, gc=False):
    """A candidate, or the errors that keep a row from being one."""

    number: int
    rider_ref: str
    candidate: Candidate | None
    errors: list[RowError]


def judge(row: Row, today: date) -> Judgement:
    """Every error of one row; `today` is the day in Asia/Shanghai."""
    cells = dict(zip(FIELDS, row.cells, strict=True))
    errors: list[RowError] = []
    if row.fault:
        errors.append(RowError(row.column, row.fault))
    reference = _reference(cells["rider_ref"], errors)
    if row.fault in ("row-malformed", "row-too-long", "row-too-short"):
        return Judgement(row.number, reference, None, errors)
    notices: list[str] = []
    name = _name(cells["name"], errors, notices)
    phone = _phone(cells["phone"], errors)
    document = _document(cells, today, errors)
    site = _text("site", cells["site"], errors)
    plan = _text("plan", cells["plan"], errors)
    shares = _shares(cells["shares"], errors)
    if errors or document is None:
        return Judgement(row.number, reference, None, errors)
    found = Candidate(
        row.number,
        reference,
        name,
        document,
        phone,
        site,
        plan.upper(),
        shares,
        (*notices, *document.warnings),
    )
    return Judgement(row.number, reference, found, errors)


def _plain(
    column: str, cell: Any, errors: list[RowError], mask: Callable[[str], str]
) -> str | None:
    """The cell's text without blanks around it; None after an error was noted."""
    if not isinstance(cell, str):
        errors.append(RowError(column, "not-text"))
        return None
    text = cell.strip()
    if len(text) > LONGEST_CELL:
        errors.append(RowError(column, "too-long", mask(text[:18])))
        return None
    if text and _FORMULA.match(text):
        errors.append(RowError(column, "formula", mask(text[:18])))
        return None
    return text


def _reference(cell: Any, errors: list[RowError]) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    text = _plain("rider_ref", cell, errors, mask_number)
    if text is None:
        return ""
    code = ""
    if not text:
        code = "rider-ref-missing"
    elif len(text) > LONGEST_REFERENCE or _CONTROL.search(text):
        code = "rider-ref-form"
    elif _PERSONAL.fullmatch(text):
        code = "rider-ref-personal"
    if code:
        errors.append(RowError("rider_ref", code, mask_number(text) if text else ""))
        return ""
    return text


def _name(cell: Any, errors: list[RowError], notices: list[str]) -> str:
    text = _plain("name", cell, errors, mask_name)
    if text is None:
        return ""
    name = normalise_name(text)
    if not name.isalpha():
        bare = clean_name(unicodedata.normalize("NFKC", text).strip())
        if bare != name:
            name = bare
            notices.append("name-cleaned")
    fault = name_fault(name, "name")
    if fault is not None:
        errors.append(RowError("name", fault.code, mask_name(name[:18])))
    elif text != name and len(text.split()) > 1 and not notices:
        name = _without_spaced_suffix(text, name, notices)
    return name


def clean_name(name: str) -> str:
    """Without what forms append to a name: brackets, or a department after a dash."""
    return normalise_name(_DASHED.sub("", _BRACKETED.sub("", name)))


def _without_spaced_suffix(text: str, name: str, notices: list[str]) -> str:
    """`张三 配送部`: a blank before a word that ends like a department's."""
    bare = normalise_name(_SPACED.sub("", text))
    if bare == name or len(bare) < 2:
        return name
    notices.append("name-cleaned")
    return bare


def _phone(cell: Any, errors: list[RowError]) -> str:
    text = cell if isinstance(cell, int) else _plain("phone", cell, errors, mask_number)
    if text is None:
        return ""
    phone = parse_phone(text)
    if phone is not None:
        return phone
    fault = phone_fault(text, "phone")
    code = fault.code if fault else "phone-form"
    errors.append(RowError("phone", code, mask_number(str(text)[:18]) if text else ""))
    return ""


def _document(cells: dict[str, Any], today: date, errors: list[RowError]) -> DocumentNumber | None:
    before = len(errors)
    kind = _word("document_type", cells["document_type"], DOCUMENT_TYPE_WORDS, errors)
    sex = _word("sex", cells["sex"], SEX_WORDS, errors)
    born = _date(cells["birth_on"], errors)
    country = _text("issuing_country", cells["issuing_country"], errors)
    cell = cells["document_number"]
    if isinstance(cell, str):
        cell = _plain("document_number", cell, errors, mask_number)
        if cell is None:
            return None
    found = parse_document_number(
        cell, kind or "resident_id", today=today, issuing_country=country, birth_on=born, sex=sex
    )
    if isinstance(found, str):
        shown = mask_number(str(cell)[:18]) if cell not in ("", None) else ""
        errors.append(RowError(_COLUMN_OF.get(found, "document_number"), found, shown))
        return None
    return found if len(errors) == before else None


_COLUMN_OF = {
    "document-type-mismatch": "document_type",
    "document-country-missing": "issuing_country",
    "document-birth-missing": "birth_on",
    "document-birth-differs": "birth_on",
    "document-sex-missing": "sex",
    "document-sex-differs": "sex",
}


def _word(column: str, cell: Any, words: dict[str, Any], errors: list[RowError]) -> Any:
    if cell == "":
        return words[""]
    text = _text(column, cell, errors)
    if text.lower() in words:
        return words[text.lower()]
    code = "sex-unknown" if column == "sex" else "document-type-unknown"
    errors.append(RowError(column, code, text[:18]))
    return None


def _text(column: str, cell: Any, errors: list[RowError]) -> str:
    if cell == "":
        return ""
    text = _plain(column, cell, errors, lambda shown: shown[:1] + "***")
    return "" if text is None else unicodedata.normalize("NFKC", text).strip()


def _shares(cell: Any, errors: list[RowError]) -> int | None:
    if cell == "":
        return None
    if isinstance(cell, str):
        cell = int(cell) if cell.strip().isdecimal() and len(cell) < 6 else 0
    if not isinstance(cell, int) or isinstance(cell, bool) or not 1 <= cell <= 100:
        errors.append(RowError("shares", "shares-form"))
        return None
    return cell


def _date(cell: Any, errors: list[RowError]) -> date | None:
    if cell == "":
        return None
    found = _calendar_day(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        errors.append(RowError("birth_on", "date-form"))
    return found


@lru_cache(maxsize=4096)
def _calendar_day(text: str) -> date | None:
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    try:
        return date(int(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError:
        return None
