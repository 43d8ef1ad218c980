"""YAML read as strictly as JSON."""

from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kernel.problems import Unprocessable
from app.plans.versions_text import written
from app.plans.yaml_text import MalformedYaml, parse_yaml


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(Unprocessable) as refusal:
        parse_yaml(text.encode())
    [error] = refusal.value.errors
    return error.pointer, error.code


@pytest.mark.parametrize("folder", ["data", "library", "tables"])
def test_what_is_shipped_reads_the_same_but_for_days(folder: str) -> None:
    for entry in files("app.plans").joinpath(folder).iterdir():
        if entry.name.endswith(".yaml"):
            text = entry.read_text("utf-8")
            theirs = yaml.load(text, Loader=yaml.CBaseLoader)
            assert as_text(parse_yaml(text.encode())) == theirs, entry.name


def as_text(value: Any) -> Any:
    """Every scalar as it is written."""
    if isinstance(value, dict):
        return {name: as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_text(each) for each in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def test_words_and_numbers_of_yaml_1_2() -> None:
    text = "{a: no, b: on, c: 12:30, d: 2026-01-01, e: 007, f: 0x1F, g: 1_000, h: 1e3, i: ~}"
    assert parse_yaml(text.encode()) == {
        "a": "no",
        "b": "on",
        "c": "12:30",
        "d": "2026-01-01",
        "e": "007",
        "f": "0x1F",
        "g": "1_000",
        "h": "1e3",
        "i": None,
    }
    assert parse_yaml(b"{1: x, true: y, 'q': -3, r: 0.35, s: '0.35', t: true}") == {
        "1": "x",
        "true": "y",
        "q": -3,
        "r": 0.35,
        "s": "0.35",
        "t": True,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {b: 1, b: 2}", ("/a/b", "duplicate-key")),
        ("a: [{x: 1}, {y: 1, 'y': 2}]", ("/a/1/y", "duplicate-key")),
        ("a: !!python/object/apply:os.system [ls]", ("/a", "yaml-tag")),
        ("a: !!str 5", ("/a", "yaml-tag")),
        ("? [1, 2]\n: 3", ("", "key-not-text")),
        ("a: *b", ("/a", "unknown-anchor")),
        ("a: &b [*b]", ("/a/0", "unknown-anchor")),
        ("a: {<<: 5}", ("/a/<<", "merge-not-object")),
        ("[" * 200 + "]" * 200, ("/0" * 127 + "/0", "too-deep")),
        ("a: &b 1\nc: [" + "*b, " * 201 + "]", ("/c/200", "too-many-aliases")),
    ],
)
def test_what_json_cannot_say_is_refused_at_its_place(text: str, expected: tuple[str, str]) -> None:
    assert refused(text) == expected


def test_aliases_do_not_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refused("\n".join(lines)) == ("", "too-large")


def test_merging_takes_what_is_not_there() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: {y: 3, <<: *b}\nboth: {<<: [{y: 9}, *b], z: 1}"
    read = parse_yaml(text.encode())
    assert read["more"] == {"x": 1, "y": 3}
    assert read["both"] == {"x": 1, "y": 9, "z": 1}


@pytest.mark.parametrize(
    ("raw", "line"),
    [(b"a: [1\nb: 2", 2), (b"a: 1\n\xff", 2), (b"a: 1\n---\nb: 2", 2), (b"a: \x01", 1)],
)
def test_what_is_no_yaml_says_where(raw: bytes, line: int) -> None:
    with pytest.raises(MalformedYaml) as refusal:
        parse_yaml(raw)
    assert refusal.value.fields["line"] == line


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.from_regex(r"[0-9.eE+_:xo-]{1,8}", fullmatch=True),
    st.sampled_from(["no", "Yes", "~", "<<", "=", "null", "2026-01-01", "1e3", "09", "0.35"]),
)
_KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_VALUES)
def test_what_is_written_reads_the_same(value: Any) -> None:
    assert parse_yaml(written(value)) == value
