"""Splitting money among survivors so that the fen add up."""

from collections.abc import Sequence


def split(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """Fen for each weight, by largest remainders; of equal remainders the first gets the fen.

    Weights are percents of any positive sum, so that the rest share in proportion when
    somebody is left out.
    """
    whole = sum(weights)
    parts = [amount_fen * weight // whole for weight in weights]
    remainders = [amount_fen * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    for place in order[: amount_fen - sum(parts)]:
        parts[place] += 1
    return parts
