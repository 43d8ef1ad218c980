"""The square code that the tax office prints on invoices, read as data."""

import re
from datetime import date
from typing import Any

import zxingcpp
from PIL import Image

# 01, kind, code, number, amount, day, check code, checksum; with a comma at the end or not.
_PRINTED = re.compile(
    r"01,(?P<kind>\d{2}),(?P<code>\d{0,12}),(?P<number>\d{8,20}),"
    r"(?P<amount>\d{1,9}(?:\.\d{1,2})?),(?P<day>\d{8}),[0-9A-Za-z]{0,20},[0-9A-Fa-f]{0,4},?"
)
# Invoices of the digital kind state the whole sum, the older ones the sum before tax.
_WHOLE = frozenset({"31", "32"})
_MOST = 9
_SQUARE = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


def invoices_on(image: Image.Image) -> list[dict[str, Any]]:
    """Every invoice whose code can be read, each once; other codes are passed over."""
    found = zxingcpp.read_barcodes(image.convert("L"), formats=_SQUARE, try_invert=False)
    read = (invoice_of(each.text) for each in found[:_MOST])
    unique = {(each["code"], each["number"]): each for each in read if each is not None}
    return list(unique.values())


def invoice_of(printed: str) -> dict[str, Any] | None:
    """The fields of one code, or None when it is no invoice's."""
    match = _PRINTED.fullmatch(printed.strip())
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        return None
    yuan, _, part = match["amount"].partition(".")
    return {
        "kind": match["kind"],
        "code": match["code"],
        "number": match["number"],
        "amount_fen": int(yuan) * 100 + int(part.ljust(2, "0")),
        "issued_on": day,
        "whole": match["kind"] in _WHOLE,
    }
