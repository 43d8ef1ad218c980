"""What choosing operators are: of the one kind of all that they may give."""

from collections.abc import Mapping

from app.plans.kinds import AMOUNT, GIVEN, KEY, Kind, Kinds, Rule
from app.plans.operators.choices import Choose, InBand, InSlices, LookUp, Range, When
from app.plans.walking import Path


def _band(kinds: Kinds, node: InBand, path: Path, inside: str | None) -> Kind | None:
    kind = kinds.expect(node.band.of, (*path, "of"), AMOUNT, inside)
    given = []
    for at, band in enumerate(node.band.bands):
        _edges(kinds, band, (*path, "bands", at), kind)
        given.append(((*path, "bands", at, "gives"), band.gives))
    return kinds.same(given, GIVEN, inside)


def _slices(kinds: Kinds, node: InSlices, path: Path, inside: str | None) -> Kind | None:
    kind = kinds.expect(node.slices.of, (*path, "of"), AMOUNT, inside)
    for at, each in enumerate(node.slices.slices):
        _edges(kinds, each, (*path, "slices", at), kind)
    return kind


def _edges(kinds: Kinds, band: Range, path: Path, kind: Kind | None) -> None:
    for name, edge in (
        ("from", band.from_),
        ("above", band.above),
        ("to", band.to),
        ("below", band.below),
    ):
        if edge is not None:
            kinds.edge(edge, (*path, name), kind)


def _look_up(kinds: Kinds, node: LookUp, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.look_up.of, (*path, "of"), KEY, inside)
    table = kinds.table(node.look_up.table, (*path, "table"))
    if table is None:
        return None
    if table.kind == "list":
        kinds.report((*path, "table"), "table-kind", name=node.look_up.table)
        return None
    return "money" if table.kind == "amounts" else "number"


def _choose(kinds: Kinds, node: Choose, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.choose.by, (*path, "by"), KEY, inside)
    given = [((*path, "cases", word), case) for word, case in node.choose.cases.items()]
    if node.choose.otherwise is not None:
        given.append(((*path, "otherwise"), node.choose.otherwise))
    return kinds.same(given, GIVEN, inside)


def _when(kinds: Kinds, node: When, path: Path, inside: str | None) -> Kind | None:
    kinds.expect(node.when.if_, (*path, "if"), ("truth",), inside)
    parts = [((*path, "then"), node.when.then), ((*path, "otherwise"), node.when.otherwise)]
    return kinds.same(parts, (*GIVEN, "word", "day"), inside)


CHOICES: Mapping[type, Rule] = {
    InBand: _band,
    InSlices: _slices,
    LookUp: _look_up,
    Choose: _choose,
    When: _when,
}
