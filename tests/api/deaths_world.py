"""A member of a tenant who has died: the report, and claims of survivors."""

from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from tests.claims.bereaved import PAPERS, Bereaved, Somebody
from tests.claims.factories import Case, Office, make_policy
from tests.cover_fixtures import make_rider
from tests.rosters.factories import document_number

if TYPE_CHECKING:
    from tests.api.world import Tenant


async def death_ids(app: FastAPI, client: httpx.AsyncClient, tenant: "Tenant") -> dict[str, str]:
    """One claim whose claimants may be entered, one in review by who holds every role."""
    office = Office(
        tenant.agency,
        tenant.single["caseworker"],
        tenant.single["reviewer"],
        tenant.staff,
        tenant.single["supervisor"],
    )
    departed = await make_rider(app, organisation_id=tenant.site.id)
    policy = await make_policy(app, departed, tenant.site.id)
    bereaved = Bereaved(Case(app, client, office, departed, policy), app)
    report = await bereaved.died()
    entering = await bereaved.open("MED")
    reviewed = await bereaved.open()
    heir = Somebody("王梅").claimant(share_percent=100)
    assert (await bereaved.enter(heir)).status_code == 200
    await bereaved.send(*PAPERS)
    assert (await bereaved.submit()).status_code == 200
    assert (await bereaved.case.lease(tenant.staff)).status_code == 200
    own = await bereaved.case.post(
        "/v1/me/death-reports",
        tenant.rider,
        {
            "name": "李阳",
            "document": {"type": "resident_id", "number": document_number()},
            "died_on": business_day(system_now()).isoformat(),
            "relation": "sibling",
        },
    )
    assert own.status_code == 201, own.text
    ids = {
        "report_id": report["id"],
        "getOwnDeathReport.report_id": own.json()["id"],
        "claimant_id": (await bereaved.case.seen())["claimants"][0]["id"],
        "enterClaimants.claim_id": entering["id"],
    }
    for operation in ("recordClaimantAccount", "proveClaimantKinship", "joinClaimIncident"):
        ids[f"{operation}.claim_id"] = reviewed["id"]
    return ids
