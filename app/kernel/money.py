"""Money: integer fen, rounded half-up once, at the end."""

from fractions import Fraction


def round_half_up(amount: Fraction) -> int:
    """Exact fen to whole fen, half away from zero (domain.md, "Rules that hold everywhere")."""
    sign = -1 if amount < 0 else 1
    return sign * ((2 * abs(amount.numerator) + amount.denominator) // (2 * amount.denominator))


def yuan(fen: int) -> str:
    """Fen as yuan for people: 123456 → `1,234.56`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
