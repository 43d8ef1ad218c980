"""Money split among survivors: the fen add up, nobody is a fen away from their part."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims.shares import split

WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=20)


@given(st.integers(0, 10**12), WEIGHTS)
def test_the_fen_add_up_and_nobody_is_a_fen_away(amount_fen: int, weights: list[int]) -> None:
    parts = split(amount_fen, weights)
    assert sum(parts) == amount_fen
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount_fen * weight, whole)) < 1


@pytest.mark.parametrize(
    ("amount_fen", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (8_000_000, [34, 33], [4_059_701, 3_940_299]),
        (1, [33, 67], [0, 1]),
        (4_000_000, [50, 50], [2_000_000, 2_000_000]),
    ],
)
def test_the_largest_remainder_gets_the_fen(
    amount_fen: int, weights: list[int], parts: list[int]
) -> None:
    assert split(amount_fen, weights) == parts
