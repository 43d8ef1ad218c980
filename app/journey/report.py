"""What the journey says: each step with its time, for people or for machines."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console

from app.journey.transport import Miss, Tally


@dataclass
class Report:
    """Collects steps; with one rider it prints each as it ends, with many it sums up."""

    machine: bool
    alone: bool
    tally: Tally = field(default_factory=Tally)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    misses: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.console = Console(stderr=self.machine, highlight=False)
        self.began = time.monotonic()

    @contextmanager
    def step(self, actor: str, words: str) -> Iterator[list[str]]:
        """Time a step; the list takes remarks that are printed with it."""
        remarks: list[str] = []
        began = time.perf_counter()
        try:
            yield remarks
        except Miss as miss:
            self.misses.append(f"{actor}: {words}: {miss}")
            self.console.print(f"  [red]✗[/red] {actor:<10} {words}", markup=True)
            self.console.print(f"      {miss}", markup=False, soft_wrap=True)
            raise
        seconds = time.perf_counter() - began
        self.times[f"{actor}: {words}"].append(seconds)
        if self.alone:
            self.console.print(
                f"  [green]✓[/green] {actor:<10} {words}  [dim]{seconds * 1000:.0f} ms[/dim]",
                soft_wrap=True,
            )
            for remark in remarks:
                self.console.print(f"      {remark}", style="dim", markup=False, soft_wrap=True)

    def heading(self, words: str) -> None:
        self.console.print(f"\n[bold]{words}[/bold]")

    def finish(self, riders: int) -> int:
        """Print the summary; the exit status: 0 when nothing missed."""
        seconds = time.monotonic() - self.began
        summary = {
            "ok": not self.misses,
            "riders": riders,
            "seconds": round(seconds, 2),
            "requests": self.tally.requests,
            "repeats": self.tally.repeats,
            "p50_ms": _milliseconds(self.tally.seconds, 0.5),
            "p99_ms": _milliseconds(self.tally.seconds, 0.99),
            "misses": self.misses,
            **self.facts,
        }
        if self.machine:
            steps = [
                {"step": name, "times": len(times), "median_ms": round(median(times) * 1000, 1)}
                for name, times in self.times.items()
            ]
            json.dump({**summary, "steps": steps}, sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
        else:
            self._tell(summary)
        return 1 if self.misses else 0

    def _tell(self, summary: dict[str, Any]) -> None:
        if not self.alone:
            for name, times in self.times.items():
                self.console.print(
                    f"  {len(times):>5} × {name}  [dim]median {median(times) * 1000:.0f} ms[/dim]"
                )
        verdict = "[green]arrived[/green]" if summary["ok"] else "[red]missed[/red]"
        self.console.print(
            f"\n{verdict}: {summary['riders']} rider(s), {summary['requests']} requests "
            f"({summary['repeats']} repeated) in {summary['seconds']} s, "
            f"p50 {summary['p50_ms']} ms, p99 {summary['p99_ms']} ms"
        )


def _milliseconds(seconds: list[float], quantile: float) -> float:
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] * 1000, 1)
