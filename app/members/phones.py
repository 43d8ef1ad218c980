"""Mobile numbers of members: mainland, 11 digits, stored as E.164 (domain.md)."""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

from app.kernel.problems import FieldError
from app.kernel.text import Text

FAULTS: dict[str, Text] = {
    "phone-missing": Text("请填写手机号码", "Give the mobile number."),
    "phone-form": Text("应为 11 位手机号码", "A mainland mobile number has 11 digits."),
    "phone-not-mobile": Text("该号码不是手机号码", "This is not a mobile number."),
}
_SEPARATORS = re.compile(r"[\s()\u200b-\u200d\ufeff-]+")
_MAINLAND = re.compile(r"(?:\+|00)?(?:86)?(1[3-9]\d{9})", re.ASCII)


def parse_phone(text: object) -> str | None:
    """`+8613812345678` for a mainland mobile however it was typed, or None."""
    found = _mainland(text)
    return f"+86{found}" if found and _is_mobile(found[:7]) else None


def phone_fault(text: object, pointer: str) -> FieldError | None:
    """What is wrong with a phone number, if anything."""
    if text is None or not str(text).strip():
        return FieldError(pointer, "phone-missing", FAULTS["phone-missing"])
    found = _mainland(text)
    code = "phone-form" if not found else "" if _is_mobile(found[:7]) else "phone-not-mobile"
    return FieldError(pointer, code, FAULTS[code]) if code else None


def _mainland(text: object) -> str | None:
    # A phone of 11 digits survives a spreadsheet's number cell, unlike an 18-digit number.
    typed = str(int(text)) if isinstance(text, int | float) and text == text // 1 else text
    if not isinstance(typed, str):
        return None
    digits = _MAINLAND.fullmatch(_SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)))
    return digits[1] if digits else None


@lru_cache(maxsize=65_536)
def _is_mobile(prefix: str) -> bool:
    """The first seven digits decide the type; asking once per prefix keeps rosters fast."""
    number = phonenumbers.parse(prefix + "0000", "CN")
    return phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE


def mask_phone(phone: str) -> str:
    """`+8613812345678` → `138****5678`."""
    national = phone.removeprefix("+86")
    return national[:3] + "****" + national[-4:]
