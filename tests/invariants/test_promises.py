"""Every promise names what proves it, and that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text("utf-8")


def test_every_promise_names_a_proof_that_exists() -> None:
    rows = re.findall(r"^\| (P\d+) \|[^|]*\| ([^|]*) \|$", PAGE, re.MULTILINE)
    assert [name for name, _ in rows] == [f"P{number}" for number in range(1, 16)]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, proofs in rows:
        named = re.findall(r"`([^`]+)`", proofs)
        assert any(proof.startswith("tests/") for proof in named), name
        for proof in named:
            if proof.startswith("make "):
                assert proof.split()[1] in targets, proof
            else:
                assert (ROOT / proof).is_file(), proof
