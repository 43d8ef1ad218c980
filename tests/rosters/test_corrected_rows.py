"""A corrected row ends cover that another was given: what that other paid for it goes back."""

from pathlib import Path
from typing import Any

import pytest

from tests.billing.buying import buy, document, order, publish
from tests.billing.test_notices import refund_through_the_gateway
from tests.cover_fixtures import Gateway
from tests.notifications.outbox import messages_of
from tests.queued_jobs import run
from tests.rosters.factories import Platform, fetch, rider
from tests.rosters.test_renewing import proven

pytestmark = pytest.mark.anyio

BOOKS = [
    (Path(__file__).parents[1] / "invariants" / f"{name}.sql").read_text("utf-8")
    for name in ("02_paid_orders_are_complete", "12_changes_of_cover")
]
_POSTED = """
select e.account_code, sum(e.amount_fen)::int as fen from ledger_entry e
join ledger_transaction t on t.id = e.transaction_id
left join payment_attempt a on a.id = t.reference_id
left join refund r on r.id = t.reference_id
where cast(:order as uuid) in (a.order_id, r.order_id) or t.reference_id = :policy
group by 1 order by 1
"""
_OF_ORDER = """
select id from payment_attempt where order_id = :id
union all select id from refund where order_id = :id
"""


async def test_what_a_member_paid_for_cover_that_a_corrected_row_ends_goes_back(
    platform: Platform, gateway: Gateway
) -> None:
    app, client = platform.app, platform.client
    plan = await publish(app, document())
    await platform.agree(plan, without_identity=True)
    await platform.push([rider(rider_ref="corrected", plan=plan)])
    member = await proven(platform)
    [policy] = (await client.get("/v1/me/policies", headers=member.headers)).json()["items"]
    raise_ = {"kind": "upgrade", "policy_id": policy["id"], "shares": 1}
    paid = await buy(client, gateway, member, plan, **raise_)
    unpaid = await order(client, member, plan, **raise_)
    assert paid["amount_fen"] > 0

    await platform.push([rider(rider_ref="corrected", plan=plan)])
    [given] = await fetch(app, "select status from policy where id = :id", id=policy["id"])
    assert given.status == "cancelled"
    refunds = await fetch(
        app,
        "select amount_fen, reason_code, method from refund where order_id = :id",
        id=paid["id"],
    )
    assert refunds == [(paid["amount_fen"], "roster_correction", "gateway")]
    seen = [
        (await client.get(f"/v1/me/orders/{each['id']}", headers=member.headers)).json()["status"]
        for each in (paid, unpaid)
    ]
    assert seen == ["refunding", "closed"]

    await refund_through_the_gateway(app, gateway, app.state.database, paid["id"])
    await run(app, "billing.tell_refunds")
    assert "order_refunded" in await messages_of(app.state.database, member.person.id)
    view = (await client.get(f"/v1/me/orders/{paid['id']}", headers=member.headers)).json()
    assert view["status"] == "refunded"
    # What was given and what was added are both undone.
    assert {row.account_code: row.fen for row in await posted(platform, paid, policy)} == {
        f"contributions:{plan}": 0,
        "gateway-clearing": 0,
        "refunds-payable": 0,
        "sponsor-receivables": 0,
    }
    attempts = await fetch(app, _OF_ORDER, id=paid["id"])
    ours = {paid["id"], policy["id"], *(str(row.id) for row in attempts)}
    found = [row for invariant in BOOKS for row in await fetch(app, invariant)]
    assert [row for row in found if str(row[1]) in ours] == []


async def posted(platform: Platform, order: dict[str, Any], policy: dict[str, Any]) -> list[Any]:
    return await fetch(platform.app, _POSTED, order=order["id"], policy=policy["id"])
