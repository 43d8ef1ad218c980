"""What the municipal office's money leaves behind: bookings, a batch, a difference."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.kernel.transitions import begin
from app.organisations.models import Organisation
from app.payouts.service import Destination, request_refund_payout
from app.treasury.models import ITEM, ReconciliationItem
from tests.access_fixtures import SignedIn
from tests.cover_fixtures import Rider


async def treasury_ids(
    app: FastAPI,
    client: httpx.AsyncClient,
    city: SignedIn,
    another: SignedIn,
    rider: Rider,
    payout_account_id: str,
    agency: Organisation,
    fund_id: str,
) -> dict[str, str]:
    """Ids of one of everything; `city` and `another` hold every role at the municipal office."""
    small = await _received(client, city, 700)
    large = await _received(client, city, 3_000_000)
    await _post(client, another, f"ledger/transactions/{large}/reversal", {"reason": "重复"})
    transfer_id = await _transfer(client, city, agency, fund_id)
    payout_id = await _waiting_payout(app, rider, payout_account_id)
    batch = await _post(client, city, "payout-batches", {"channel": "hand"})
    link = await _post(client, city, f"payout-batches/{batch['id']}/file-links")
    yesterday = (business_day(system_now()) - timedelta(days=1)).isoformat()
    run = await _post(client, city, "reconciliations", {"source": "bank", "day": yesterday})
    return {
        "listAccountEntries.code": "bank",
        "exportAccountStatement.code": "bank",
        "month": "2020-01",
        "transaction_id": small,
        "decideLedgerReversal.transaction_id": large,
        "batch_id": batch["id"],
        "payout_id": str(payout_id),
        "downloadPayoutBatchFile.token": link["url"].rsplit("/", 1)[-1],
        "run_id": run["id"],
        "transfer_id": transfer_id,
        "item_id": str(await _difference(app, run["id"])),
    }


async def _post(
    client: httpx.AsyncClient, who: SignedIn, path: str, body: Any = None
) -> dict[str, Any]:
    answer = await client.post(f"/v1/staff/{path}", headers=who.keyed, json=body)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def _transfer(
    client: httpx.AsyncClient, city: SignedIn, agency: Organisation, fund_id: str
) -> str:
    """Proposed by the city, from the agency's own fund to its fund for relief."""
    own = await client.put(
        f"/v1/staff/ledger/organisations/{agency.id}/fund-account",
        headers=city.headers,
        json={"name_zh": "机构资金", "name_en": "Own fund"},
    )
    assert own.status_code == 200, own.text
    relief = await client.get(f"/v1/staff/relief-funds/{fund_id}", headers=city.headers)
    accounts = {"from_account": own.json()["code"], "to_account": relief.json()["account"]}
    await _received(client, city, 900, accounts["from_account"])
    body = accounts | {"amount_fen": 900, "reason": "年度拨付"}
    return str((await _post(client, city, "ledger/fund-transfers", body))["id"])


async def _received(
    client: httpx.AsyncClient, city: SignedIn, fen: int, account: str = "suspense"
) -> str:
    body = {
        "bank_reference": f"B{new_id().hex}",
        "account": account,
        "amount_fen": fen,
        "received_on": business_day(system_now()).isoformat(),
    }
    return str((await _post(client, city, "ledger/receipts", body))["posting_id"])


async def _waiting_payout(app: FastAPI, rider: Rider, payout_account_id: str) -> UUID:
    destination = Destination("bank", payout_account_id=UUID(payout_account_id))
    async with app.state.database.transaction() as session:
        payout = await request_refund_payout(
            session,
            refund_id=new_id(),
            plan_code="RIDER-ACC",
            person_id=rider.person.id,
            amount_fen=6_000_000,
            destination=destination,
            actor=SYSTEM,
            now=system_now(),
        )
        payout.lane = "batch"
        await session.flush()
        # Nobody shall send it while the matrices run.
        await session.execute(
            text(
                "delete from pgqueuer.pgqueuer where entrypoint = 'payouts.send'"
                " and convert_from(payload, 'utf8') like :payout"
            ),
            {"payout": f"%{payout.id}%"},
        )
        return payout.id


async def _difference(app: FastAPI, run_id: str) -> UUID:
    now = system_now()
    item = ReconciliationItem(
        id=new_id(),
        run_id=UUID(run_id),
        source="bank",
        kind="bank_transfer",
        number=new_id().hex.upper(),
        day=business_day(now) - timedelta(days=1),
        theirs_fen=-444,
        difference_fen=-444,
        cause="missing_here",
        status="open",
        found_at=now,
    )
    async with app.state.database.transaction() as session:
        begin(session, ITEM, item, actor=SYSTEM, at=now)
    return item.id
