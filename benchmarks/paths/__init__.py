"""What is measured, by name."""

from collections.abc import Callable, Sequence

from benchmarks.paths import reads, writes
from benchmarks.rounds import Path

PATHS: dict[str, Callable[[], Sequence[Path]]] = {
    "scan": lambda: [reads.Scan()],
    "register": lambda: [writes.Register()],
    "purchase": lambda: [writes.Purchase()],
    "policies": lambda: [reads.Policies()],
    "cover": lambda: [reads.Cover()],
    "claims": lambda: [
        reads.Claims("claims", "agency_reviewer"),
        reads.Claims("claims_office", "office_reviewer"),
        reads.Depth("claims_depth", "agency_reviewer"),
        reads.Depth("claims_office_depth", "office_reviewer"),
    ],
}
