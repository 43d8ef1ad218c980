"""`redumbrella journey`: finds the running service, plays every part, says what happened."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import typer

from app.journey.claim import DISABILITY, HOSPITAL, Case, Claim, accident_after
from app.journey.claim_review import agree, review
from app.journey.invariants import check_invariants
from app.journey.office import Credentials, Desk, move_clock
from app.journey.partner import push_roster
from app.journey.people import make_rider
from app.journey.report import Report
from app.journey.rider import Phone
from app.journey.scenarios import SCENARIOS
from app.journey.tablet import enrol_on_site
from app.journey.transport import Caller, Miss
from app.journey.world import World
from app.launcher.instance import Instance, find

NOT_RUNNING = "Nothing is running here. Start it first, in another terminal: make run"


def run(
    *,
    base_url: str | None,
    json_output: bool,
    riders: int,
    concurrency: int,
    data_dir: Path,
    scenario: str | None = None,
) -> int:
    """Play the journey, or one scenario; the exit status, 0 when every step and invariant held."""
    instance = find(data_dir)
    if instance is None:
        typer.secho(NOT_RUNNING, fg=typer.colors.RED, err=True)
        return 1
    report = Report(machine=json_output, alone=riders == 1)
    address = base_url or instance.base_url
    return asyncio.run(_play(report, instance, address, riders, concurrency, data_dir, scenario))


async def _play(
    report: Report,
    instance: Instance,
    base_url: str,
    riders: int,
    concurrency: int,
    data: Path,
    scenario: str | None,
) -> int:
    async with (
        _client(base_url, concurrency) as api,
        _client(instance.simulator_url, concurrency) as outside,
    ):
        world = World(api, outside, instance.enrolment_code)
        try:
            journey = Journey(report, instance, world, concurrency, data / "journey")
            await (journey.act(scenario, riders) if scenario else journey.play(riders))
        except Miss as miss:
            if not report.misses:
                report.misses.append(str(miss))
                report.console.print(f"  [red]✗[/red] {miss}", soft_wrap=True)
        await check_invariants(report, instance.database_url)
    return report.finish(riders)


def _client(base_url: str, concurrency: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=concurrency + 8)
    return httpx.AsyncClient(base_url=base_url, limits=limits, timeout=30.0, trust_env=False)


class Journey:
    """The parts of one performance and the order of the acts."""

    def __init__(
        self, report: Report, instance: Instance, world: World, concurrency: int, folder: Path
    ) -> None:
        self.report = report
        self.world = world
        self.instance = instance
        self.folder = folder
        self.turn = asyncio.Semaphore(concurrency)
        self.desks = {
            account.role: Desk(
                Credentials(account.username, account.password, account.totp_secret),
                Caller(world.api, report.tally),
                report,
            )
            for account in instance.accounts
        }

    async def play(self, riders: int) -> None:
        """Enrol and pay; next day: claim and be paid; the other two doors."""
        phones = await self._covered(riders)
        await self._each(phones, self._next_day)
        self.report.heading("The other two doors 另外两扇门")
        await self._other_doors()

    async def act(self, scenario: str, riders: int) -> None:
        """Enrol and pay; next day: one story instead of the whole day, for each rider."""
        phones = await self._covered(riders)

        async def one(phone: Phone) -> None:
            await SCENARIOS[scenario](self.desks, phone)

        await self._each(phones, one)

    async def _covered(self, riders: int) -> list[Phone]:
        """Riders in the middle of their first covered day, and the office at its desks."""
        phones = [self._phone() for _ in range(riders)]
        self.report.heading("Today: from the scan to cover 今天：从扫码到保障")
        await self._each(phones, self._first_day)
        await self._log_in("administrator", "caseworker", "reviewer", "supervisor")
        starts = max(
            datetime.fromisoformat(phone.known["policy"]["starts_at"])
            for phone in phones
            if "policy" in phone.known
        )
        self.report.heading("Next day: from the accident to the money 次日：从事故到给付")
        with self.report.step("sandbox 时钟", "lets the night pass 到次日") as remarks:
            await move_clock(self.desks["administrator"], starts + timedelta(hours=12))
            remarks.append(f"the business clock shows {starts + timedelta(hours=12)}")
        return phones

    async def _next_day(self, phone: Phone) -> None:
        await self._claim(phone, HOSPITAL)
        if self.report.alone:
            await self._claim(phone, DISABILITY)

    async def _claim(self, phone: Phone, case: Case) -> None:
        claim = Claim(phone, case)
        starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
        await claim.submit(accident_after(starts))
        await review(self.desks["reviewer"], claim)
        await agree(self.desks["supervisor"], claim)
        await claim.receive_money()

    async def _other_doors(self) -> None:
        await enrol_on_site(self.desks["caseworker"], self.world)
        platform = Caller(self.world.api, self.report.tally)
        await push_roster(
            platform,
            self.report,
            self.instance.partner_client_id,
            self.instance.partner_client_secret,
        )

    def _phone(self) -> Phone:
        rider = make_rider()
        caller = Caller(self.world.api, self.report.tally, address=rider.address)
        return Phone(self.world, rider, caller, self.report)

    async def _first_day(self, phone: Phone) -> None:
        await phone.enrol()
        await phone.buy()
        starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
        await phone.expect_cover(starts - timedelta(microseconds=1), covered=False)
        await phone.expect_cover(starts, covered=True)
        await phone.keep_certificate(self.folder if self.report.alone else None)

    async def _log_in(self, *roles: str) -> None:
        for role in roles:
            with self.report.step("office 办公室", f"{role} logs in"):
                await self.desks[role].log_in()

    async def _each(self, phones: Sequence[Phone], act: Callable[[Phone], Awaitable[None]]) -> None:
        """The same act for every phone, as many at a time as asked; a miss ends the journey."""

        async def one(phone: Phone) -> None:
            async with self.turn:
                await act(phone)

        results = await asyncio.gather(*map(one, phones), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Miss):
                raise result
        if self.report.misses:
            raise Miss("not every rider arrived")
