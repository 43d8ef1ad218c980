"""What a person sees in the terminal while things start and when they run."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

import segno
from rich.console import Console
from rich.text import Text

from app.launcher.instance import Instance

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Screen:
    """Steps with their times, and messages. No thread draws it: this process must stay forkable."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._doing = ""
        self._since = 0.0

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Show what takes time now, and how long it took."""
        self._doing, self._since = doing, time.monotonic()
        self.turn()
        yield
        seconds = time.monotonic() - self._since
        self._wipe()
        self.console.print(Text.assemble(("✓ ", "green"), f"{doing} ", (f"{seconds:.1f} s", "dim")))
        self._doing = ""

    def turn(self) -> None:
        """Draw the current step once more; called while waiting."""
        if self._doing and self.console.is_terminal:
            seconds = time.monotonic() - self._since
            frame = FRAMES[int(seconds * 10) % len(FRAMES)]
            self.console.print(f"\r{frame} {self._doing} … {seconds:.0f} s", end="")

    def _wipe(self) -> None:
        if self.console.is_terminal:
            self.console.print("\r\x1b[2K", end="")

    def say(self, message: str, style: str = "yellow") -> None:
        self._wipe()
        self.console.print(Text(message, style=style))

    def welcome(self, instance: Instance, seconds: float, log_folder: str) -> None:
        """Where everything is, who may log in, what to try next."""
        console = self.console
        console.print()
        console.print(
            Text.assemble(("Red Umbrella 红伞", "bold red"), f" is running ({seconds:.1f} s)")
        )
        for label, address in (
            ("API", instance.base_url),
            ("Documentation", f"{instance.base_url}/docs"),
            ("Simulated outside systems", instance.simulator_url),
            ("Logs", log_folder),
        ):
            console.print(Text.assemble((f"{label:<26}", "dim"), address))
        console.print()
        for line in _accounts(instance):
            console.print(line)
        console.print(
            Text.assemble(
                ("Partner  ", "dim"),
                f"client_id {instance.partner_client_id}"
                f"  client_secret {instance.partner_client_secret}",
            )
        )
        console.print()
        scan = f"{instance.base_url}/v1/enrolment-codes/{instance.enrolment_code}"
        console.print(Text.assemble(("Enrolment code  ", "dim"), instance.enrolment_code))
        console.print(Text(_qr(scan)))
        console.print(Text.assemble(("Scan it with: ", "dim"), f"curl {scan}"))
        console.print(
            Text.assemble(("Now try, in another terminal: ", "dim"), ("make journey", "bold"))
        )
        console.print(Text("Ctrl-C stops everything.", style="dim"))


def _accounts(instance: Instance) -> list[Text]:
    """One line each, never wrapped: passwords and secrets are there to be copied."""
    rows = [("Staff, by role", "user name", "password", "TOTP secret")]
    rows += [
        (each.role, each.username, each.password, each.totp_secret) for each in instance.accounts
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [Text(line, style="" if number else "dim") for number, line in enumerate(lines)]


def _qr(content: str) -> str:
    drawn = io.StringIO()
    segno.make(content, error="l", micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")
