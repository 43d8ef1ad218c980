"""Identity documents: what a number must look like, and what it says about its holder.

Rules: GB 11643-1999 and domain.md, "People's data". The area part of a number is never
a reason to refuse it: codes are merged, split and renamed while numbers stay.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal, cast

from stdnum import numdb
from stdnum.cn import ric

from app.kernel.problems import FieldError
from app.kernel.text import Text

DocumentType = Literal["resident_id", "residence_permit", "foreign_permanent_residence", "passport"]
Sex = Literal["female", "male"]
DOCUMENT_TYPES = ("resident_id", "residence_permit", "foreign_permanent_residence", "passport")

OLDEST_AGE = 130
_PERMIT_AREAS = ("81", "82", "83")
_EIGHTEEN = re.compile(r"\d{17}[\dX]", re.ASCII)
_FIFTEEN = re.compile(r"\d{15}", re.ASCII)
_OLD_FOREIGN_CARD = re.compile(r"[A-Z]{3}\d{12}", re.ASCII)
_PASSPORT = re.compile(r"[A-Z0-9]{5,15}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{3}", re.ASCII)
_LOST_DIGITS = re.compile(r"\d(?:\.\d+)?E\+?\d+|\d+\.0*", re.ASCII)
_SEPARATORS = re.compile(r"[\s\u200b-\u200d\ufeff'‘’_.·-]+")

FAULTS: dict[str, Text] = {
    "document-missing": Text("请填写证件号码", "Give the document's number."),
    "document-length": Text("身份证号应为 18 位", "The number has 18 characters."),
    "document-fifteen-digits": Text(
        "15 位旧号码已停用，请填写 18 位号码",
        "15-digit numbers are no longer used; give the 18-character one.",
    ),
    "document-lost-digits": Text(
        "号码被表格软件改成了数值，末几位已丢失，请以文本格式重新填写",
        "A spreadsheet turned this number into a value and lost its last digits; "
        "enter it again as text.",
    ),
    "document-form": Text("证件号码格式不正确", "The number does not have the expected form."),
    "document-birth-date": Text(
        "号码中的出生日期不存在", "The birth date in the number does not exist."
    ),
    "document-birth-future": Text(
        "号码中的出生日期尚未到来", "The birth date in the number is in the future."
    ),
    "document-birth-too-long-ago": Text(
        "号码中的出生日期过早", "The birth date in the number is too long ago."
    ),
    "document-check-character": Text(
        "校验位不符，请核对号码", "The check character does not match; compare the number."
    ),
    "document-type-mismatch": Text(
        "号码与证件类型不符", "The number is not of this type of document."
    ),
    "document-country-missing": Text(
        "请填写签发国家（三位字母代码）", "Give the issuing country (three letters)."
    ),
    "document-birth-missing": Text(
        "该证件号码不含出生日期，请另行填写",
        "This number does not tell the birth date; give it.",
    ),
    "document-sex-missing": Text(
        "该证件号码不含性别，请另行填写", "This number does not tell the sex; give it."
    ),
    "document-birth-differs": Text(
        "出生日期与号码不一致", "The birth date differs from the number."
    ),
    "document-sex-differs": Text("性别与号码不一致", "The sex differs from the number."),
}
WARNINGS: dict[str, Text] = {
    "area-unknown": Text(
        "号码前六位不在现行行政区划中，请核对；号码仍可使用",
        "The number's first six digits are no known area; compare them. The number is accepted.",
    ),
}


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """A well-formed document; `warnings` never prevent its use."""

    type: DocumentType
    number: str = field(repr=False)
    birth_on: date = field(repr=False)
    sex: Sex = field(repr=False)
    issuing_country: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def index_value(self) -> str:
        """What the blind index `document` is made of."""
        return index_value(self.type, self.number, self.issuing_country)


def index_value(document_type: str, number: str, issuing_country: str | None) -> str:
    """18-character numbers share one number space, whatever card they are printed on."""
    if _EIGHTEEN.fullmatch(number):
        return number
    return f"{document_type}:{issuing_country or ''}:{number}"


def fault(pointer: str, code: str) -> FieldError:
    """The refusal of one field by the code that a parser returned."""
    return FieldError(pointer, code, FAULTS[code])


def normalise_number(text: str) -> str:
    """Full-width to ASCII, blanks and separators away, upper case (x → X)."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def parse_document_number(
    text: object,
    document_type: str = "resident_id",
    *,
    today: date,
    issuing_country: str | None = None,
    birth_on: date | None = None,
    sex: str | None = None,
) -> DocumentNumber | str:
    """The document, or the code of what is wrong with it (a key of `FAULTS`).

    Anything but a string was a number cell of a spreadsheet and has lost digits.
    `today` is the day in Asia/Shanghai. `birth_on` and `sex` are needed where the
    number does not tell them, and must agree where it does.
    """
    if not isinstance(text, str):
        return "document-missing" if text is None else "document-lost-digits"
    if _LOST_DIGITS.fullmatch(unicodedata.normalize("NFKC", text).strip().upper()):
        return "document-lost-digits"
    number = normalise_number(text)
    if not number:
        return "document-missing"
    if document_type in ("resident_id", "residence_permit") or (
        document_type == "foreign_permanent_residence" and number[:1] == "9"
    ):
        return _eighteen(number, document_type, today, birth_on, sex)
    return _foreign(number, document_type, today, issuing_country, birth_on, sex)


def _eighteen(
    number: str, document_type: str, today: date, birth_on: date | None, sex: str | None
) -> DocumentNumber | str:
    if not _EIGHTEEN.fullmatch(number):
        if _FIFTEEN.fullmatch(number):
            return "document-fifteen-digits"
        return "document-length" if len(number) != 18 else "document-form"
    born = _birth_date(number[6:14], today)
    if isinstance(born, str):
        return born
    if ric.calc_check_digit(number) != number[17]:
        return "document-check-character"
    told: Sex = "male" if int(number[16]) % 2 else "female"
    if birth_on is not None and birth_on != born:
        return "document-birth-differs"
    if sex is not None and sex != told:
        return "document-sex-differs"
    kind = _kind_of(number)
    if document_type == "residence_permit" and kind != document_type:
        return "document-type-mismatch"
    if document_type == "foreign_permanent_residence" and kind != document_type:
        return "document-type-mismatch"
    warnings = () if kind != "resident_id" or _known_area(number[:6]) else ("area-unknown",)
    return DocumentNumber(kind, number, born, told, None, warnings)


def _kind_of(number: str) -> DocumentType:
    """The card that an 18-character number stands on, whatever type was chosen in a form."""
    if number[:2] in _PERMIT_AREAS:
        return "residence_permit"
    return "foreign_permanent_residence" if number[0] == "9" else "resident_id"


def _foreign(
    number: str,
    document_type: str,
    today: date,
    issuing_country: str | None,
    birth_on: date | None,
    sex: str | None,
) -> DocumentNumber | str:
    country = (issuing_country or "").strip().upper()
    if document_type == "foreign_permanent_residence":
        if not _OLD_FOREIGN_CARD.fullmatch(number):
            return "document-form"
        country = number[:3]
    elif not _PASSPORT.fullmatch(number):
        return "document-form"
    if not _COUNTRY.fullmatch(country):
        return "document-country-missing"
    if birth_on is None:
        return "document-birth-missing"
    if sex not in ("female", "male"):
        return "document-sex-missing"
    if birth_on > today:
        return "document-birth-future"
    if document_type == "foreign_permanent_residence" and f"{birth_on:%y%m%d}" != number[7:13]:
        return "document-birth-differs"
    return DocumentNumber(
        cast(DocumentType, document_type), number, birth_on, cast(Sex, sex), country
    )


def _birth_date(digits: str, today: date) -> date | str:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return "document-birth-date"
    if born > today:
        return "document-birth-future"
    if today.year - born.year > OLDEST_AGE:
        return "document-birth-too-long-ago"
    return born


@lru_cache(maxsize=4096)
def _known_area(area: str) -> bool:
    found = numdb.get("cn/loc").info(area)
    return sum(len(part) for part, properties in found if properties) == len(area)


def mask_number(number: str) -> str:
    """`110***********002X`: the first three and last four characters."""
    if len(number) < 9:
        return number[:1] + "*" * (len(number) - 2) + number[-1:]
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
