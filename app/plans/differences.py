"""What changed between two documents: place by place, in plain words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from app.kernel.text import Text
from app.plans.faults import pointer

Change = Literal["added", "removed", "changed", "moved"]
MAX_WORDS = 80

# What is called by a name of its own is told by it; anything else as the document has it.
LABELS: Mapping[str, Text] = {
    "code": Text("编码", "code"),
    "name": Text("名称", "name"),
    "summary": Text("简介", "summary"),
    "kind": Text("类型", "kind"),
    "source": Text("来源", "source"),
    "eligibility": Text("参加条件", "who may join"),
    "ages": Text("年龄", "ages"),
    "minimum": Text("下限", "minimum"),
    "maximum": Text("上限", "maximum"),
    "male": Text("男", "men"),
    "female": Text("女", "women"),
    "occupations": Text("职业", "occupations"),
    "statements": Text("声明", "statements"),
    "contribution": Text("互助费", "contribution"),
    "max_shares": Text("最多份数", "most shares"),
    "options": Text("档次", "options"),
    "price": Text("价格", "price"),
    "split": Text("分担", "who pays"),
    "term": Text("保障期", "term"),
    "joining": Text("参加方式", "joining"),
    "waiting": Text("等待期", "waiting days"),
    "waiting_days": Text("等待天数", "waiting days"),
    "accident_days": Text("意外等待天数", "waiting days for accidents"),
    "illness_days": Text("疾病等待天数", "waiting days for illness"),
    "renewal": Text("续保", "renewal"),
    "upgrade": Text("提档升级", "upgrades"),
    "cancellation": Text("退保", "cancellation"),
    "relations": Text("与其他活动的关系", "other plans"),
    "facts": Text("申领信息", "facts of a claim"),
    "tables": Text("表", "tables"),
    "entries": Text("表内容", "entries"),
    "benefits": Text("保障责任", "benefits"),
    "trigger": Text("给付情形", "when it pays"),
    "causes": Text("原因", "causes"),
    "conditions": Text("给付条件", "conditions"),
    "require": Text("要求", "requirement"),
    "words": Text("文字", "words"),
    "steps": Text("计算步骤", "steps"),
    "pays": Text("给付金额", "what it pays"),
    "limits": Text("限额", "limits"),
    "max": Text("最高", "maximum"),
    "per": Text("按", "per"),
    "counters": Text("累计", "counters"),
    "documents": Text("申领材料", "papers"),
    "document_kinds": Text("材料名称", "names of papers"),
    "claims": Text("申领规则", "claims"),
    "zh": Text("中文", "Chinese"),
    "en": Text("英文", "English"),
}
_WORDS: Mapping[Change, Text] = {
    "added": Text("新增：{becomes}", "added: {becomes}"),
    "removed": Text("删除：{was}", "removed: {was}"),
    "changed": Text("由 {was} 改为 {becomes}", "from {was} to {becomes}"),
    "moved": Text("顺序由 {was} 改为 {becomes}", "order from {was} to {becomes}"),
}
# By what the items of a list are known, whatever their places.
_IDENTITIES = ("code", "name", "payer")


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs; a removed one has its place in the older document."""

    pointer: str
    change: Change
    was: Any
    becomes: Any
    words: Text


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in both documents, and its name in both languages."""

    was: tuple[str | int, ...] = ()
    becomes: tuple[str | int, ...] = ()
    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def at(self, was: str | int | None, becomes: str | int | None, label: Text) -> "_Place":
        return _Place(
            self.was if was is None else (*self.was, was),
            self.becomes if becomes is None else (*self.becomes, becomes),
            (*self.zh, label.zh),
            (*self.en, label.en),
        )


def differences(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[Difference]:
    """Everything that differs, in the order of the newer document.

    Benefits, options, conditions and steps are compared with those of the same code,
    wherever they stand; expressions place by place.
    """
    return list(_compare(was, becomes, _Place()))


def _compare(was: Any, becomes: Any, place: _Place) -> Iterator[Difference]:
    if isinstance(was, Mapping) and isinstance(becomes, Mapping):
        if _another_operator(was, becomes):
            yield _told("changed", was, becomes, place)
        else:
            yield from _members(was, becomes, place)
    elif isinstance(was, list) and isinstance(becomes, list):
        yield from _items(was, becomes, place)
    elif type(was) is not type(becomes) or was != becomes:
        yield _told("changed", was, becomes, place)


def _another_operator(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> bool:
    return len(was) == len(becomes) == 1 and was.keys() != becomes.keys()


def _members(
    was: Mapping[str, Any], becomes: Mapping[str, Any], place: _Place
) -> Iterator[Difference]:
    for name, value in becomes.items():
        label = LABELS.get(name, Text(name, name))
        if name in was:
            yield from _compare(was[name], value, place.at(name, name, label))
        else:
            yield _told("added", None, value, place.at(None, name, label))
    for name, value in was.items():
        if name not in becomes:
            label = LABELS.get(name, Text(name, name))
            yield _told("removed", value, None, place.at(name, None, label))


def _items(was: Sequence[Any], becomes: Sequence[Any], place: _Place) -> Iterator[Difference]:
    key = _identity(was, becomes)
    if key is None:
        yield from _in_order(was, becomes, place)
        return
    before = {item[key]: at for at, item in enumerate(was)}
    after = {item[key]: at for at, item in enumerate(becomes)}
    for code, at in after.items():
        item, label = becomes[at], _named(becomes[at], key)
        if code in before:
            from_ = before[code]
            yield from _compare(was[from_], item, place.at(from_, at, label))
        else:
            yield _told("added", None, item, place.at(None, at, label))
    for code, at in before.items():
        if code not in after:
            yield _told("removed", was[at], None, place.at(at, None, _named(was[at], key)))
    kept = [code for code in before if code in after]
    if kept != [code for code in after if code in before]:
        yield _told("moved", list(before), list(after), place)


def _identity(was: Sequence[Any], becomes: Sequence[Any]) -> str | None:
    """The member by which the items of both lists are known, each once."""
    for key in _IDENTITIES:
        if all(_known_by(key, items) for items in (was, becomes)):
            return key
    return None


def _known_by(key: str, items: Sequence[Any]) -> bool:
    codes = [item.get(key) if isinstance(item, Mapping) else None for item in items]
    return all(isinstance(code, str) for code in codes) and len(set(codes)) == len(codes)


def _in_order(was: Sequence[Any], becomes: Sequence[Any], place: _Place) -> Iterator[Difference]:
    older, newer = (
        [json.dumps(item, sort_keys=True) for item in items] for items in (was, becomes)
    )
    for verb, a, b, c, d in SequenceMatcher(None, older, newer, autojunk=False).get_opcodes():
        if verb == "equal":
            continue
        both = min(b - a, d - c)
        for at in range(both):
            label = _ordinal(c + at)
            yield from _compare(was[a + at], becomes[c + at], place.at(a + at, c + at, label))
        for at in range(c + both, d):
            yield _told("added", None, becomes[at], place.at(None, at, _ordinal(at)))
        for at in range(a + both, b):
            yield _told("removed", was[at], None, place.at(at, None, _ordinal(at)))


def _ordinal(at: int) -> Text:
    return Text(f"第{at + 1}项", f"no. {at + 1}")


def _named(item: Mapping[str, Any], key: str) -> Text:
    """An item by its name, or by its words, else by its code."""
    for member in ("name", "words"):
        words = item.get(member)
        if isinstance(words, Mapping) and {"zh", "en"} <= words.keys():
            return Text(f"“{words['zh']}”", f"“{words['en']}”")
    return Text(str(item[key]), str(item[key]))


def _told(change: Change, was: Any, becomes: Any, place: _Place) -> Difference:
    verb = _WORDS[change]
    zh, en = (
        template.format(was=_value(was, zh=zh), becomes=_value(becomes, zh=zh))
        for template, zh in ((verb.zh, True), (verb.en, False))
    )
    return Difference(
        pointer(place.was if change == "removed" else place.becomes),
        change,
        was,
        becomes,
        Text(f"{'›'.join(place.zh)}：{zh}", f"{' › '.join(place.en)}: {en}"),
    )


def _value(value: Any, *, zh: bool) -> str:
    if isinstance(value, Mapping) and len(value) == 1 and "yuan" in value:
        return f"{value['yuan']} 元" if zh else f"{value['yuan']} yuan"
    if isinstance(value, Mapping) and {"zh", "en"} == value.keys():
        return f"“{value['zh'] if zh else value['en']}”"
    if isinstance(value, str):
        return f"“{_short(value)}”"
    return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"
