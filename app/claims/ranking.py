"""Where a claim stands in the review queue, and why; pure functions."""

from datetime import datetime, timedelta

# One hour sooner for each 1,000 yuan at stake, two days at most; a day for hardship; half a day
# for signals, because looking into them takes time.
FEN_PER_HOUR = 100_000
MOST_HOURS = 48
HARDSHIP_HOURS = 24
SIGNAL_HOURS = 12


def rank(
    due: datetime, at_stake_fen: int, *, hardship: bool = False, signal: bool = False
) -> datetime:
    """The promised day, less a head start for large sums, hardship, and signals to look into."""
    hours = min(at_stake_fen / FEN_PER_HOUR, MOST_HOURS)
    hours += HARDSHIP_HOURS * hardship + SIGNAL_HOURS * signal
    return due - timedelta(hours=hours)
