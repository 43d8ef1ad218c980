"""Mobile numbers: what people type, as E.164."""

import unicodedata

import phonenumbers

from app.access.errors import NotAMobileNumber
from app.kernel.problems import FieldError

MAX_LENGTH = 32


def normal_phone(typed: str, pointer: str = "/phone") -> str:
    """E.164 of 11 mainland digits or of an international number; full-width digits and
    blanks are taken. Raises NotAMobileNumber (422) naming `pointer`."""
    normal = unicodedata.normalize("NFKC", typed).strip()
    try:
        number = phonenumbers.parse(normal, "CN")
    except phonenumbers.NumberParseException as error:
        raise _refusal(pointer) from error
    kind = phonenumbers.number_type(number)
    if number.extension or kind != phonenumbers.PhoneNumberType.MOBILE:
        raise _refusal(pointer)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _refusal(pointer: str) -> NotAMobileNumber:
    code, words = NotAMobileNumber.code, NotAMobileNumber.detail
    return NotAMobileNumber(errors=[FieldError(pointer, code, words)])
