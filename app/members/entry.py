"""From typed text to an identity: every fault of a form at once, each with its pointer."""

from datetime import date

from app.kernel.problems import FieldError, Unprocessable
from app.members.documents import DocumentNumber, fault, parse_document_number
from app.members.matching import Identity
from app.members.names import name_fault, parse_name
from app.members.phones import parse_phone, phone_fault
from app.members.schemas import DocumentBody


def read_document(
    body: DocumentBody, today: date, pointer: str = "/document"
) -> DocumentNumber | FieldError:
    """The document of a form, or what is wrong with it, naming the field."""
    parsed = parse_document_number(
        body.number,
        body.type,
        today=today,
        issuing_country=body.issuing_country,
        birth_on=body.birth_on,
        sex=body.sex,
    )
    if isinstance(parsed, DocumentNumber):
        return parsed
    return fault(f"{pointer}/{_FIELDS.get(parsed, 'number')}", parsed)


_FIELDS = {
    "document-type-mismatch": "type",
    "document-country-missing": "issuing_country",
    "document-birth-missing": "birth_on",
    "document-birth-differs": "birth_on",
    "document-sex-missing": "sex",
    "document-sex-differs": "sex",
}


def read_identity(
    name: str, document: DocumentBody, phone: str | None, today: date, pointer: str = ""
) -> Identity:
    """A whole identity; raises Unprocessable (422) with every faulty field."""
    parsed = read_document(document, today, f"{pointer}/document")
    faults = [
        name_fault(name, f"{pointer}/name"),
        parsed if isinstance(parsed, FieldError) else None,
        phone_fault(phone, f"{pointer}/phone") if phone is not None else None,
    ]
    found = [each for each in faults if each is not None]
    if found or isinstance(parsed, FieldError):
        raise Unprocessable(errors=found)
    return Identity(parse_name(name) or "", parsed, parse_phone(phone) if phone else None)


def read_parts(
    name: str | None, document: DocumentBody | None, today: date
) -> tuple[str | None, DocumentNumber | None]:
    """The parts of a form that may come one after the other; raises Unprocessable (422)."""
    parsed = read_document(document, today) if document is not None else None
    faults = [
        name_fault(name, "/name") if name is not None else None,
        parsed if isinstance(parsed, FieldError) else None,
    ]
    found = [each for each in faults if each is not None]
    if found or isinstance(parsed, FieldError):
        raise Unprocessable(errors=found)
    return parse_name(name), parsed
