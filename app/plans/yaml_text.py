"""YAML as authors write it, read as strictly as JSON: no types beyond JSON's, nothing twice.

The parser's events become values without recursion, so that every bound is looked at
before anything is built: depth, size, and what aliases would come to when written out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.kernel.problems import BadRequest, FieldError, Unprocessable
from app.kernel.schema import DUPLICATE_KEY
from app.kernel.text import Text
from app.plans.faults import pointer

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 128
MAX_ALIASES = 200
MAX_NODES = 200_000

KEY = Text("键应为文字", "A key is text.")
MERGE = Text("<< 后应为对象或对象的列表", "After << comes an object, or a list of objects.")
DEEP = Text("嵌套过深", "It is nested too deeply.")
LARGE = Text("内容过大（引用展开后）", "It is too large, aliases written out.")
ALIASES = Text("引用过多", "There are too many aliases.")
ALIAS = Text("没有名为 {name} 的锚点，或引用了自身", "There is no anchor {name} before this place.")
TAG = Text("不支持 YAML 类型标签", "Types of YAML's own (tags) are not read.")

_PLAIN = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# Leading zeros, and more digits than money can have, make a text.
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
FLOAT = re.compile(r"(?:[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)\Z")


class MalformedYaml(BadRequest):
    """Bytes that are no YAML document; `line` and `column` count from 1."""

    code = "malformed-yaml"
    title = Text("不是有效的 YAML", "Malformed YAML")
    detail = Text(
        "第 {line} 行第 {column} 列附近不是有效的 UTF-8 YAML。",
        "It is no valid UTF-8 YAML near line {line}, column {column}.",
    )


def parse_yaml(raw: bytes) -> Any:
    """The one document in `raw`; days stay text, numbers with a point become floats.

    Words are those of YAML 1.2 (`no`, `on` and 12:30 are text), and a plain key is text.
    Raises MalformedYaml (400), Unprocessable (422) with a pointer for what JSON cannot
    say or what is beyond the bounds.
    """
    try:
        text = raw.decode("utf-8-sig")
        return _Builder().build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - before.rfind(b"\n")
        raise MalformedYaml(line=line, column=column) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        raise MalformedYaml(line=line, column=column) from error


def _refuse(
    path: tuple[str | int, ...], code: str, message: Text, **fields: object
) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer(path), code, message, fields or None)])


_NOTHING = object()
_MERGE = object()


@dataclass(slots=True)
class _Open:
    """A list or object that is being read; `key` waits for its value."""

    value: Any
    anchor: str | None
    before: int
    key: Any = _NOTHING
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Values from events; `count` is how many nodes they come to, aliases written out."""

    def __init__(self) -> None:
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0
        self.aliases = 0
        self.result: Any = None
        self.documents = 0

    def build(self, events: Iterator[Any]) -> Any:
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._start(event, {} if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.documents += 1
                if self.documents > 1:
                    mark = event.start_mark
                    raise MalformedYaml(line=mark.line + 1, column=mark.column + 1)
        return self.result

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where the next value will stand."""
        return tuple(
            len(each.value)
            if isinstance(each.value, list)
            else "<<"
            if each.key is _MERGE
            else each.key
            for each in self.open
            if isinstance(each.value, list) or each.key is not _NOTHING
        )

    def _counted(self, nodes: int) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            raise _refuse((), "too-large", LARGE)

    def _tagged(self, event: Any, *, plain: bool) -> None:
        if event.tag is not None and not (plain and event.tag == "!"):
            raise _refuse(self.path, "yaml-tag", TAG)

    def _scalar(self, event: Any) -> None:
        self._counted(1)
        self._tagged(event, plain=True)
        text: str = event.value
        here = self.open[-1] if self.open else None
        if here is not None and isinstance(here.value, dict) and here.key is _NOTHING:
            self._key(here, text, quoted=bool(event.style))
            return
        value = _plain(text) if not event.style and event.tag is None else text
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self._put(value)

    def _key(self, here: _Open, text: str, *, quoted: bool) -> None:
        if text == "<<" and not quoted:
            here.key = _MERGE
            return
        if text in here.value:
            raise _refuse((*self.path, text), "duplicate-key", DUPLICATE_KEY)
        here.key = text

    def _start(self, event: Any, value: Any) -> None:
        self._counted(1)
        self._tagged(event, plain=False)
        here = self.open[-1] if self.open else None
        if here is not None and isinstance(here.value, dict) and here.key is _NOTHING:
            raise _refuse(self.path, "key-not-text", KEY)
        if len(self.open) >= MAX_DEPTH:
            raise _refuse(self.path, "too-deep", DEEP)
        self.open.append(_Open(value, event.anchor, self.count - 1))

    def _end(self) -> None:
        done = self.open.pop()
        for merged in done.merged:
            for name, value in merged.items():
                done.value.setdefault(name, value)
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, self.count - done.before)
        self._put(done.value)

    def _alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _refuse(self.path, "too-many-aliases", ALIASES)
        known = self.anchors.get(event.anchor)
        here = self.open[-1] if self.open else None
        if known is None:
            raise _refuse(self.path, "unknown-anchor", ALIAS, name=event.anchor)
        if here is not None and isinstance(here.value, dict) and here.key is _NOTHING:
            raise _refuse(self.path, "key-not-text", KEY)
        value, nodes = known
        self._counted(nodes)
        self._put(value)

    def _put(self, value: Any) -> None:
        if not self.open:
            self.result = value
            return
        here = self.open[-1]
        if isinstance(here.value, list):
            here.value.append(value)
        elif here.key is _MERGE:
            merged = value if isinstance(value, list) else [value]
            if not all(isinstance(each, dict) for each in merged):
                raise _refuse(self.path, "merge-not-object", MERGE)
            here.merged += merged
            here.key = _NOTHING
        else:
            here.value[here.key] = value
            here.key = _NOTHING


def _plain(text: str) -> Any:
    """What an unquoted scalar means in YAML 1.2."""
    if text in _PLAIN:
        return _PLAIN[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text
