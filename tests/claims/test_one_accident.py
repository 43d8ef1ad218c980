"""Death and disability of one accident: excluded, or taken off, as the plan says."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import system_now
from tests.billing.buying import document, publish
from tests.claims.bereaved import PAPERS, Bereaved
from tests.claims.factories import make_case
from tests.claims.test_survivors import WHOLE, settled

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bereaved(app: FastAPI, client: httpx.AsyncClient) -> Bereaved:
    return Bereaved(await make_case(app, client), app)


class TestOneAccident:
    async def disabled(self, bereaved: Bereaved, app: FastAPI) -> dict[str, Any]:
        """A disability of the accident, paid while the member lived."""
        case = bereaved.case
        account = {**bereaved.anna.account(), "account_name": "张小明"}
        answer = await case.post("/v1/me/payout-accounts", case.rider, account)
        assert answer.status_code == 201, answer.text
        body = case.body("DISAB") | {"payout_account_id": answer.json()["id"]}
        await case.submitted(body)
        await case.approved(disability_grade=9)
        await settled(app)
        view = await case.own()
        assert view["status"] == "paid", view["status"]
        return view

    async def reviewed(self, bereaved: Bereaved) -> None:
        await bereaved.enter(bereaved.anna.claimant(share_percent=100))
        await bereaved.send(*PAPERS)
        assert (await bereaved.submit()).status_code == 200
        await bereaved.case.lease()
        await bereaved.case.accept_all()
        await bereaved.prove()
        await bereaved.case.judge_all()

    async def test_death_and_disability_exclude_each_other(
        self, bereaved: Bereaved, app: FastAPI
    ) -> None:
        await self.disabled(bereaved, app)
        await bereaved.died()
        view = await bereaved.open()
        assert view["survivors"]["earlier_claims"][0]["same_incident"] is True
        await self.reviewed(bereaved)
        answer = await bereaved.case.decide({"verdict": "approve"})
        assert (answer.status_code, answer.json()["reason_code"]) == (422, "excluded")

    async def test_what_disability_paid_is_taken_off_where_the_plan_says_so(
        self, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        content = document()
        for benefit in content["benefits"]:
            benefit.pop("excludes", None)
            if benefit["code"] == "DEATH":
                before = {"paid_before": {"within": "incident", "benefits": ["DISAB"]}}
                benefit["pays"] = {"minus": [{"times": [{"yuan": 40000}, "shares"]}, before]}
        case = await make_case(app, client, plan_code=await publish(app, content))
        bereaved = Bereaved(case, app)
        paid = await self.disabled(bereaved, app)
        await bereaved.died()
        # Told otherwise at the counter: the reviewer sees both and joins them.
        view = await bereaved.open(occurred_at=(system_now() - timedelta(days=4)).isoformat())
        assert view["survivors"]["earlier_claims"][0]["same_incident"] is False
        await self.reviewed(bereaved)
        joined = await client.put(
            f"{case.staff_path}/incident",
            headers=case.office.reviewer.headers,
            json={"claim_id": paid["id"]},
        )
        assert joined.status_code == 200, joined.text
        await case.judge_all()
        answer = await case.decide({"verdict": "approve"})
        assert answer.status_code == 200, answer.text
        decided = answer.json()["decisions"][-1]["amount_fen"]
        assert decided == WHOLE - paid["amount_fen"]
