"""What can still be judged of a part with faults: whatever cannot be read gives way to a name.

One misspelt field must not hide that the bands beside it leave a gap. What stands in for a
fault is never reported, and nothing that is mended is ever kept.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.plans.benefits import Benefit, Condition, Counter, Limit, Step
from app.plans.expressions import Expression
from app.plans.prices import ContributionOption, Part, Raise, Upgrade
from app.plans.structure import located
from app.plans.walking import INNER, Path

# Stands for an expression that cannot be read; judging takes it for a name that is unclear.
UNREAD = "unread"
# Replacing one fault can only bring out another inside it: so deep nothing is nested.
TRIES = 20

_EXPRESSION: TypeAdapter[Any] = TypeAdapter(Expression)
_WORDS = {"zh": "…", "en": "…"}
# The parts of operators that are expressions, beside those in a list.
_PARTS: Mapping[str, tuple[str, ...]] = {
    **INNER,
    "band": ("of",),
    "choose": ("by", "otherwise"),
    "when": ("if", "then", "otherwise"),
    "each": ("gives",),
    "largest": ("gives",),
}


def mended(raw: object) -> Any:
    """An expression, the smallest parts of it that cannot be read being UNREAD."""
    for _ in range(TRIES):
        try:
            _EXPRESSION.validate_python(raw)
        except ValidationError as error:
            raw = deepcopy(raw)
            for path in _outermost(_expression_at(each, raw) for each in _places(error, raw)):
                raw = _replaced(raw, path)
        else:
            return raw
    return UNREAD


def _places(error: ValidationError, raw: object) -> list[Path]:
    return [tuple(path) for _, path, _ in located(error, raw)]


def _expression_at(path: Path, raw: Any) -> Path:
    """The innermost expression that a place lies in, or should; a list cannot be added to."""
    at = 0
    while size := _to_part(path[at:]):
        for part in path[at : at + size - 1]:
            raw = raw[part]
        last = path[at + size - 1]
        if isinstance(raw, list | tuple) and last not in range(len(raw)):
            break
        raw = raw.get(last) if isinstance(raw, Mapping) else raw[last]
        at += size
    return path[:at]


def _to_part(path: Path) -> int:
    """How far it is from an operator to the expression inside it; 0 where there is none."""
    match path:
        case ("not", *_):
            return 1
        case ("band", "bands", int(), "gives", *_):
            return 4
        case ("choose", "cases", str(), *_):
            return 3
        case (str(), int(), *_):
            return 2
        case (str() as operator, str() as name, *_) if name in _PARTS.get(operator, ()):
            return 2
    return 0


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Those that lie in no other."""
    found: list[Path] = []
    for path in sorted(set(paths), key=len):
        if not any(path[: len(outer)] == outer for outer in found):
            found.append(path)
    return found


def _replaced(raw: Any, path: Path) -> Any:
    if not path:
        return UNREAD
    inner = raw
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = UNREAD
    return raw


@dataclass(frozen=True, slots=True)
class Form:
    """How a part is mended: its expressions, the parts inside it, and what stands for the rest.

    What is neither is left out; `stand_ins` are made from the part's number.
    """

    model: type[BaseModel]
    expressions: frozenset[str] = frozenset()
    stand_ins: Mapping[str, Callable[[int], Any]] = field(default_factory=dict)
    parts: Mapping[str, "Form"] = field(default_factory=dict)


def _always(value: Any) -> Callable[[int], Any]:
    return lambda _: value


_CONDITION = Form(
    Condition,
    frozenset({"require"}),
    {"code": lambda at: f"unread-{at}", "words": _always(_WORDS)},
)
_STEP = Form(
    Step, frozenset({"value"}), {"name": lambda at: f"unread_{at}", "words": _always(_WORDS)}
)
_COUNTER = Form(Counter, frozenset({"of"}), {"within": _always("term"), "words": _always(_WORDS)})
LIMIT = Form(Limit, frozenset({"max"}), {"per": _always("term")})
BENEFIT = Form(
    Benefit,
    frozenset({"pays"}),
    {
        "code": lambda at: f"UNREAD_{at}",
        "name": _always(_WORDS),
        "trigger": _always(_WORDS),
        "causes": _always(["accident", "illness"]),
    },
    {"conditions": _CONDITION, "steps": _STEP, "counters": _COUNTER, "limits": LIMIT},
)
OPTION = Form(
    ContributionOption,
    frozenset({"price", "deposit"}),
    {"code": lambda at: f"U{at}"},
    {"split": Form(Part, frozenset({"amount"}), {"payer": _always("member")})},
)
UPGRADE = Form(Upgrade, frozenset({"price"}), parts={"options": Form(Raise, frozenset({"price"}))})


def mended_part(form: Form, raw: object, number: int) -> Any:
    """A part of a document as its model, with what can be read of it; None where that is too
    little.
    """
    try:
        return form.model.model_validate(_filled(form, raw, number))
    except (ValidationError, TypeError):
        return None


def _filled(form: Form, raw: object, number: int) -> Any:
    try:
        return form.model.model_validate(raw)
    except ValidationError as error:
        if not isinstance(raw, Mapping):
            raise
        faulty = {str(path[0]) for path in _places(error, raw) if path}
    found = {name: value for name, value in raw.items() if name not in faulty}
    for name in faulty:
        if name in form.expressions:
            found[name] = mended(raw.get(name))
        elif name in form.stand_ins:
            found[name] = form.stand_ins[name](number)
        elif name in form.parts:
            found[name] = _several(form.parts[name], raw[name])
    return found


def _several(form: Form, raw: object) -> Any:
    """A list of parts, or parts by name; places and names stay as they are."""
    if isinstance(raw, Mapping):
        items: Iterable[tuple[Any, Any]] = raw.items()
        return {name: _filled(form, each, at) for at, (name, each) in enumerate(items)}
    if isinstance(raw, list | tuple):
        return [_filled(form, each, at) for at, each in enumerate(raw)]
    raise TypeError
