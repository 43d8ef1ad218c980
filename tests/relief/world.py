"""Relief of one tenant for the matrices: a fund, a household, cases at two stages, a paper."""

from typing import Any

import httpx
from fastapi import FastAPI

from app.organisations.models import Organisation
from tests.access_fixtures import SignedIn, staff_token
from tests.cover_fixtures import Rider
from tests.relief.factories import Board, agree, formula


async def relief_ids(
    app: FastAPI,
    client: httpx.AsyncClient,
    organisation: Organisation,
    staff: SignedIn,
    rider: Rider,
) -> dict[str, str]:
    """Values of path parameters; `staff` has every role in the organisation."""
    members = [
        await staff_token(app, organisation.id, ["supervisor"], display_name=f"委员{n}")
        for n in range(3)
    ]
    board = Board(app, client, organisation, staff, staff, staff, staff, members)
    await board.open_fund()
    await agree(app, rider)
    household = await board.post(
        "/v1/staff/households",
        staff,
        {
            "person_id": str(rider.person.id),
            "address": "某街道",
            "members": [{"relation": "spouse", "name": "王芳"}],
        },
    )
    paying = await board.referred(rider, {"net_self_pay_fen": 6_000_000})
    assert (await board.decide(paying)).status_code == 200
    case = await board.opened(rider, {"disaster_loss_fen": 4_000_000}, "disaster")
    sent = await board.send(case["id"], "loss_proof")
    assert sent.status_code == 201, sent.text
    [paper] = [each for each in sent.json()["papers"] if each["files"]]
    await board.post(f"{board.path}/formulas", staff, formula(board.code))
    ids: dict[str, Any] = {
        "fund_id": board.fund["id"],
        "formula_number": "2",
        "household_id": household["id"],
        "household_member_id": household["members"][1]["id"],
        "case_id": case["id"],
    }
    for operation in (
        *("getReliefPayout", "requestReliefPayout", "payReliefCaseAgain", "revokeReliefGrant"),
    ):
        ids[f"{operation}.case_id"] = paying
    for operation in ("viewOwnReliefDocument", "viewReliefDocument", "removeReliefDocument"):
        ids[f"{operation}.document_id"] = paper["files"][0]
    return ids
