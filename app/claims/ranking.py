"""Where a claim stands in the review queue, and why; pure functions."""

from datetime import datetime, timedelta

# One hour sooner for each 1,000 yuan at stake, two days at most; a day for hardship.
FEN_PER_HOUR = 100_000
MOST_HOURS = 48
HARDSHIP_HOURS = 24


def rank(due: datetime, at_stake_fen: int, *, hardship: bool = False) -> datetime:
    """The promised day, less a head start for large sums and for hardship."""
    hours = min(at_stake_fen / FEN_PER_HOUR, MOST_HOURS) + (HARDSHIP_HOURS if hardship else 0)
    return due - timedelta(hours=hours)
