"""Money of an organisation's own fund for another fund: two people, never more than it holds."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest

from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM
from app.ledger.accounts import fund_of
from app.organisations.models import Kind, Organisation
from app.relief.funds import make_fund
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import scalar
from tests.treasury_fixtures import Municipal

pytestmark = pytest.mark.anyio

RELIEF = "relief-fund:DISTRICT"
GIVEN = 5_000_000


@dataclass(frozen=True)
class District:
    """An agency below the city with a fund of its own, and one for relief."""

    office: Municipal
    agency: Organisation
    one: SignedIn
    two: SignedIn

    @property
    def own(self) -> str:
        return fund_of(self.agency.id)

    async def propose(
        self, fen: int, to: str = RELIEF, who: SignedIn | None = None, **more: Any
    ) -> httpx.Response:
        body = {"from_account": self.own, "to_account": to, "amount_fen": fen, "reason": "年度拨付"}
        return await self.office.post("ledger/fund-transfers", body | more, who or self.one)

    async def decide(
        self, transfer: httpx.Response, verdict: str = "approve", who: SignedIn | None = None
    ) -> httpx.Response:
        path = f"ledger/fund-transfers/{transfer.json()['id']}/decision"
        return await self.office.post(path, {"verdict": verdict}, who or self.two)

    async def holds(self, code: str | None = None) -> int:
        sql = "select -coalesce(sum(amount_fen), 0) from ledger_entry where account_code = :code"
        database = self.office.app.state.database
        return int(await scalar(database, sql, code=code or self.own))

    async def open_account(self, organisation: Organisation) -> str:
        path = f"/v1/staff/ledger/organisations/{organisation.id}/fund-account"
        body = {"name_zh": "机构资金", "name_en": "Own fund"}
        headers = self.office.supervisor.headers
        made = await self.office.client.put(path, headers=headers, json=body)
        assert made.status_code == 200, made.text
        return str(made.json()["code"])

    async def receives(self, fen: int, reference: str = "B000000000000001") -> str:
        """The id of the booking."""
        body = {
            "bank_reference": reference,
            "account": self.own,
            "amount_fen": fen,
            "received_on": business_day(system_now()).isoformat(),
        }
        booked = await self.office.post("ledger/receipts", body)
        assert booked.status_code == 201, booked.text
        return str(booked.json()["posting_id"])


@pytest.fixture
async def district(office: Municipal) -> District:
    app = office.app
    agency = await make_organisation(app, Kind.AGENCY, office.city)
    one, two = [await staff_token(app, agency.id, ["supervisor", "auditor"]) for _ in range(2)]
    made = District(office, agency, one, two)
    await made.open_account(agency)
    async with app.state.database.transaction() as session:
        await make_fund(
            session,
            SYSTEM,
            organisation_id=agency.id,
            code="DISTRICT",
            name=("某区救助", "District relief"),
            quorum=1,
            now=system_now(),
        )
    await made.receives(GIVEN)
    return made


async def relief_holds(district: District) -> int:
    sql = "select contributed_fen - granted_fen from relief_fund where code = 'DISTRICT'"
    return int(await scalar(district.office.app.state.database, sql))


async def test_two_people_give_to_a_relief_fund(district: District) -> None:
    proposed = await district.propose(2_000_000)
    assert proposed.status_code == 201, proposed.text
    view = proposed.json()
    assert (view["status"], view["posting_id"], view["reason"]) == ("proposed", None, "年度拨付")
    assert (await district.holds(), await relief_holds(district)) == (GIVEN, 0)
    alone = await district.decide(proposed, who=district.one)
    assert (alone.status_code, alone.json()["code"]) == (403, "second-person-needed")
    posted = await district.decide(proposed)
    assert (posted.status_code, posted.json()["status"]) == (200, "posted"), posted.text
    assert (await district.holds(), await district.holds(RELIEF)) == (3_000_000, 2_000_000)
    assert await relief_holds(district) == 2_000_000
    again = await district.decide(proposed)
    assert (again.status_code, again.json()["code"]) == (409, "fund-transfer-decided")
    booking = f"ledger/transactions/{posted.json()['posting_id']}"
    entries = (await district.office.get(booking)).json()["entries"]
    assert {each["account"]: each["amount_fen"] for each in entries} == {
        district.own: 2_000_000,
        RELIEF: -2_000_000,
    }
    assert await district.office.unhealthy() == {}


async def test_declined_it_moves_nothing(district: District) -> None:
    proposed = await district.propose(1_000)
    declined = await district.decide(proposed, "decline")
    assert (declined.status_code, declined.json()["status"]) == (200, "declined")
    assert (await district.decide(proposed)).status_code == 409
    assert await district.holds() == GIVEN
    assert await district.office.unhealthy() == {}


async def test_one_key_is_one_transfer(district: District) -> None:
    headers = district.one.keyed
    body = {
        "from_account": district.own,
        "to_account": RELIEF,
        "amount_fen": 700,
        "reason": "拨付",
    }
    path = "/v1/staff/ledger/fund-transfers"
    made = [await district.office.client.post(path, headers=headers, json=body) for _ in range(3)]
    assert {each.json()["id"] for each in made} == {made[0].json()["id"]}
    listed = (await district.office.get("ledger/fund-transfers", district.one)).json()["items"]
    assert len(listed) == 1


async def test_of_many_at_once_a_fund_gives_what_it_holds(district: District) -> None:
    proposed = [await district.propose(2_000_000) for _ in range(6)]
    answers = await asyncio.gather(*(district.decide(each) for each in proposed))
    assert sorted(each.status_code for each in answers) == [200, 200, 409, 409, 409, 409]
    short = next(each.json() for each in answers if each.status_code == 409)
    assert (short["code"], short["balance_fen"]) == ("fund-short", 1_000_000)
    assert await district.holds() == 1_000_000
    assert (await district.propose(1_000_001)).json()["code"] == "fund-short"
    assert await district.office.unhealthy() == {}


async def test_taken_back_by_its_mirror_image(district: District) -> None:
    posted = (await district.decide(await district.propose(1_500_000))).json()
    path = f"ledger/transactions/{posted['posting_id']}/reversal"
    made = await district.office.post(path, {"reason": "拨付有误"})
    assert (made.status_code, made.json()["status"]) == (201, "posted"), made.text
    assert (await district.holds(), await relief_holds(district)) == (GIVEN, 0)
    [listed] = (await district.office.get("ledger/fund-transfers", district.two)).json()["items"]
    assert (listed["status"], listed["reversed_at"] is not None) == ("posted", True)
    assert (await district.office.post(path, {"reason": "再来"})).json()["code"] == (
        "already-reversed"
    )
    assert await district.office.unhealthy() == {}


async def test_what_was_given_on_is_not_taken_back(district: District) -> None:
    """Neither what came in by mistake, nor what a relief fund has granted of it."""
    received = await district.receives(1_000, "B000000000000002")
    posted = (await district.decide(await district.propose(GIVEN + 500))).json()
    refused = await district.office.post(
        f"ledger/transactions/{received}/reversal", {"reason": "误记"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "fund-short")
    granted = "update relief_fund set granted_fen = 1 where code = 'DISTRICT' returning 1"
    database = district.office.app.state.database
    await scalar(database, granted)
    path = f"ledger/transactions/{posted['posting_id']}/reversal"
    await district.office.post(path, {"reason": "误拨"})
    decided = await district.office.post(
        f"{path}/decision", {"verdict": "approve"}, district.office.another_supervisor
    )
    assert (decided.status_code, decided.json()["code"]) == (409, "relief-fund-exhausted")
    assert await district.holds() == 500
    await scalar(database, granted.replace("= 1", "= 0", 1))
    assert await district.office.unhealthy() == {}


async def test_between_organisations_and_only_what_one_manages(district: District) -> None:
    office = district.office
    other = await make_organisation(office.app, Kind.AGENCY, office.city)
    theirs = await district.open_account(other)
    # The district does not manage the other's fund; the city manages both.
    hidden = await district.propose(10, theirs)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "ledger-account-not-found")
    proposed = await district.propose(10, theirs, office.supervisor)
    assert proposed.status_code == 201, proposed.text
    below = await district.decide(proposed)
    assert (below.status_code, below.json()["code"]) == (404, "fund-transfer-not-found")
    posted = await district.decide(proposed, who=office.another_supervisor)
    assert posted.json()["status"] == "posted", posted.text
    assert await district.holds(theirs) == 10
    strangers = await staff_token(office.app, other.id, ["supervisor"])
    seen = (await office.get("ledger/fund-transfers", strangers)).json()["items"]
    assert [each["id"] for each in seen] == [posted.json()["id"]]
    mine = await office.get("ledger/fund-transfers", strangers, account=district.own)
    assert mine.json()["items"] == []


async def test_pages_and_statuses(district: District) -> None:
    made = [(await district.propose(fen)) for fen in (1, 2, 3)]
    await district.decide(made[1], "decline")
    first = (await district.office.get("ledger/fund-transfers", district.one, limit=2)).json()
    rest = await district.office.get(
        "ledger/fund-transfers", district.one, limit=2, cursor=first["next_cursor"]
    )
    shown = [*first["items"], *rest.json()["items"]]
    assert [each["amount_fen"] for each in shown] == [3, 2, 1]
    open_ones = await district.office.get(
        "ledger/fund-transfers", district.one, status="proposed", account=RELIEF
    )
    assert [each["amount_fen"] for each in open_ones.json()["items"]] == [3, 1]


async def test_what_does_not_give_or_take(district: District) -> None:
    bound = await district.propose(5, district.own, from_account=RELIEF)
    assert (bound.status_code, bound.json()["code"]) == (422, "funds-bound-to-relief")
    same = await district.propose(5, district.own)
    assert (same.status_code, same.json()["code"]) == (422, "same-fund")
    for wrong in ({"to_account": "bank"}, {"amount_fen": 0}, {"amount_fen": "5"}, {"reason": ""}):
        assert (await district.propose(5, **wrong)).status_code == 422, wrong
    proposed = await district.propose(5)
    closed = "update relief_fund set status = 'closed' where code = 'DISTRICT' returning 1"
    await scalar(district.office.app.state.database, closed)
    late = await district.decide(proposed)
    assert (late.status_code, late.json()["code"]) == (409, "relief-fund-closed")
    assert await district.holds() == GIVEN


async def test_its_day_is_that_of_the_second_word(district: District) -> None:
    proposed = await district.propose(9)
    await district.office.today_is(date(2027, 2, 3))
    posted = await district.decide(proposed)
    booking = f"ledger/transactions/{posted.json()['posting_id']}"
    assert (await district.office.get(booking)).json()["event_on"] == "2027-02-03"
