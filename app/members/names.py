"""People's names as forms carry them: one spelling to compare, one mask to show."""

import re
import unicodedata

from app.kernel.problems import FieldError
from app.kernel.text import Text

MAX_LENGTH = 64
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af\u3007"
# Forms write 张 三 to align columns; between Han characters a blank means nothing.
_BLANK_IN_HAN = re.compile(rf"(?<=[{_HAN}·])\s+(?=[{_HAN}·])")
_BLANKS = re.compile(r"\s+")
_DOTS = re.compile("[\u2022\u2027\u2219\u22c5\u30fb\uff0e\uff65\u00b7]")
_PUNCTUATION = frozenset(" ·-'’.")

FAULTS: dict[str, Text] = {
    "name-missing": Text("请填写姓名", "Give the name."),
    "name-length": Text("姓名应为 2 至 64 个字符", "A name has 2 to 64 characters."),
    "name-character": Text(
        "姓名只能包含文字和间隔号，请与证件一致",
        "A name holds letters and separators only, as on the document.",
    ),
}


def parse_name(text: object) -> str | None:
    """The name in its one spelling, or None if it is none; `name_fault` says why.

    Full-width letters become ASCII, blanks between Chinese characters go, other blanks
    become one, every kind of middle dot becomes `·`.
    """
    if not isinstance(text, str):
        return None
    name = normalise_name(text)
    return None if _fault_of(name) else name


def name_fault(text: object, pointer: str) -> FieldError | None:
    """What is wrong with a name, if anything."""
    code = "name-missing" if not isinstance(text, str) else _fault_of(normalise_name(text))
    return FieldError(pointer, code, FAULTS[code]) if code else None


def normalise_name(text: str) -> str:
    name = _BLANKS.sub(" ", unicodedata.normalize("NFKC", _DOTS.sub("·", text))).strip()
    return _BLANK_IN_HAN.sub("", name)


def _fault_of(name: str) -> str | None:
    if not name:
        return "name-missing"
    if not 2 <= len(name) <= MAX_LENGTH:
        return "name-length"
    if not all(unicodedata.category(c)[0] in "LM" or c in _PUNCTUATION for c in name):
        return "name-character"
    return None


def mask_name(name: str) -> str:
    """`王小明` → `王**`: the first character, and how many follow."""
    return name[:1] + "*" * (len(name) - 1)
