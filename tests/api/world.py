"""Two tenants with one of everything: what belongs to one must not exist for the other."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text

from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM, Role
from app.kernel.transitions import move
from app.notifications.models import DELIVERY, MessageDelivery
from app.notifications.service import notify
from app.organisations.models import Kind, Organisation
from tests.access_fixtures import (
    SignedIn,
    make_organisation,
    member_token,
    partner_token,
    staff_token,
)
from tests.api.deaths_world import death_ids
from tests.api.treasury_world import treasury_ids
from tests.claims.factories import Case, Office, make_policy, run_jobs
from tests.cover_fixtures import Rider, load_plans, make_rider, order
from tests.enrolment.factories import enrol, item, make_code
from tests.members.factories import name, number, register, start_check
from tests.plans.authors import version
from tests.relief.world import relief_ids
from tests.rosters.factories import Platform
from tests.rosters.factories import rider as roster_rider

ROLES: tuple[Role, ...] = ("caseworker", "reviewer", "supervisor", "auditor", "administrator")
ACCOUNT = {"account_number": "6222020000001234", "account_name": "张小明", "bank_code": "ICBC"}
MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


@dataclass
class Tenant:
    """An agency, its people, its rider, its partner, and what they made.

    `city` holds every role at the municipal office above.

    `ids` are values of path parameters; a key `operationId.parameter` goes before the
    parameter's plain name.
    """

    agency: Organisation
    site: Organisation
    staff: SignedIn
    city: SignedIn
    single: Mapping[Role, SignedIn]
    rider: Rider
    neighbour: Rider
    newcomer: SignedIn
    partner: SignedIn
    platform: Platform
    plan: dict[str, Any] = field(default_factory=version)
    ids: dict[str, str] = field(default_factory=dict)

    def of(self, operation_id: str, parameter: str) -> str:
        """The value of a path parameter; KeyError names what the world has to learn."""
        return self.ids.get(f"{operation_id}.{parameter}") or self.ids[parameter]

    @property
    def everything(self) -> set[str]:
        """Every id by which something of this tenant could be recognised."""
        return {value for value in self.ids.values() if len(value) >= 12}

    async def draft(self, client: httpx.AsyncClient) -> str:
        """Another draft of the agency's own plan."""
        answer = await client.post(
            "/v1/staff/plan-versions", headers=keyed(self.staff), json=self.plan
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def keyed(who: SignedIn | Rider) -> dict[str, str]:
    return who.keyed


async def make_tenant(app: FastAPI, client: httpx.AsyncClient, city: Organisation) -> Tenant:
    """One tenant below the city; takes about two seconds."""
    await load_plans(app)
    agency = await make_organisation(app, Kind.AGENCY, city)
    unit = await make_organisation(app, Kind.UNIT, agency)
    site = await make_organisation(app, Kind.SITE, unit)
    staff = await staff_token(app, agency.id, ROLES)
    single = {role: await staff_token(app, agency.id, [role]) for role in ROLES}
    rider = await make_rider(app, openid=f"o-{secrets.token_hex(10)}", organisation_id=site.id)
    partner = await partner_token(app, agency.id)
    tenant = Tenant(
        agency=agency,
        site=site,
        staff=staff,
        city=await staff_token(app, city.id, ROLES),
        single=single,
        rider=rider,
        neighbour=await make_rider(app, organisation_id=site.id),
        newcomer=await member_token(app),
        partner=partner,
        platform=Platform(
            app, client, partner, agency.id, single["administrator"], secrets.randbelow(10**12)
        ),
    )
    await _cover_and_money(app, client, tenant)
    await _claims(app, client, tenant)
    await _newcomer(client, tenant)
    await _office(app, client, tenant)
    await _partner(app, tenant)
    await _moratorium(client, tenant)
    await _messages(app, client, tenant)
    version_id = await tenant.draft(client)
    tenant.ids |= {
        "version_id": version_id,
        "comparePlanVersions.?against": version_id,
        "showPlanTable.code": "CN-30",
    }
    await _simulation(app, client, tenant)
    tenant.ids |= await death_ids(app, client, tenant)
    tenant.ids |= await relief_ids(app, client, agency, staff, rider)
    tenant.ids |= await treasury_ids(
        app,
        client,
        tenant.city,
        await staff_token(app, city.id, ROLES),
        rider,
        tenant.ids["retirePayoutAccount.account_id"],
        agency,
        tenant.ids["fund_id"],
    )
    return tenant


def simulation_body(tenant: Tenant) -> dict[str, Any]:
    """The agency's draft against the claims of another plan; it has none of its benefits."""
    version_id = tenant.ids["version_id"]
    days = {"from_on": "2026-01-01", "to_on": "2100-01-01"}
    return {"version_id": version_id, "against": "RIDER-ACC", **days}


async def _simulation(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    """Worked off, so that the claim being paid is one of its examples."""
    asked = await client.post(
        "/v1/staff/plan-simulations", headers=keyed(tenant.city), json=simulation_body(tenant)
    )
    assert asked.status_code == 202, asked.text
    await run_jobs(app)
    tenant.ids |= {
        "simulation_id": asked.json()["id"],
        "explainSimulatedClaim.claim_id": tenant.ids["getPayoutOfClaim.claim_id"],
    }


async def _messages(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    """A message in the rider's inbox, and cover that is to renew itself."""
    sent_at = system_now() - timedelta(days=2)
    async with app.state.database.transaction() as session:
        message_id = await notify(
            session,
            app.state.vault,
            person_id=tenant.rider.person.id,
            template="claim_denied",
            subject="claim",
            subject_id=UUID(tenant.ids["claim_id"]),
            parameters={"number": "C4T9K2M7XQ1B"},
            once_key=secrets.token_hex(8),
            now=sent_at,
        )
        delivery = (
            await session.scalars(
                select(MessageDelivery).where(MessageDelivery.message_id == message_id)
            )
        ).one()
        await move(session, DELIVERY, delivery, "failed", actor=SYSTEM, at=sent_at)
    agreed = await client.post(
        f"/v1/me/policies/{tenant.ids['policy_id']}/renewal-agreement",
        headers=keyed(tenant.rider),
        json={"most_fen": 5000},
    )
    assert agreed.status_code == 201, agreed.text
    tenant.ids |= {"message_id": str(message_id), "delivery_id": str(delivery.id)}
    tenant.ids["template"] = "claim_paid"


async def _moratorium(client: httpx.AsyncClient, tenant: Tenant) -> None:
    """A day on which nothing ends at one site."""
    today = business_day(system_now()).isoformat()
    declared = await client.post(
        "/v1/staff/moratoriums",
        headers=keyed(tenant.staff),
        json={
            "organisation_id": str(tenant.site.id),
            "first_day": today,
            "last_day": today,
            "reason": "防汛",
        },
    )
    assert declared.status_code == 201, declared.text
    tenant.ids["moratorium_id"] = declared.json()["id"]


async def _cover_and_money(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    rider = tenant.rider
    policy = await make_policy(app, rider, tenant.site.id, plan_code="RIDER-ACC")
    opened = await order(client, rider)
    recorded = await client.post("/v1/me/payout-accounts", headers=keyed(rider), json=ACCOUNT)
    assert recorded.status_code == 201, recorded.text
    async with app.state.database.transaction() as session:
        member_id = await session.scalar(
            text("select id from member where person_id = :id"), {"id": rider.person.id}
        )
    tenant.ids |= {
        "policy_id": str(policy.id),
        "order_id": opened["id"],
        "retirePayoutAccount.account_id": recorded.json()["id"],
        "number": policy.number,
        "person_id": str(rider.person.id),
        "member_id": str(member_id),
        "kind": "png",
        "offset": "0",
        "purpose": "health",
    }


async def _claims(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    """A draft with a document and an upload, one handed in, one being paid, one offered."""
    office = Office(
        tenant.agency,
        tenant.single["caseworker"],
        tenant.single["reviewer"],
        tenant.staff,
        tenant.single["supervisor"],
    )
    policy = await _policy_of(app, tenant.ids["policy_id"])

    def case() -> Case:
        return Case(app, client, office, tenant.rider, policy)

    draft, handed_in, paying, offered = case(), case(), case(), case()
    await draft.open()
    await draft.complete(("receipt",))
    upload = await draft.post(
        f"{draft.path}/uploads", tenant.rider, {"kind": "medical_record", "bytes": 1000}
    )
    assert upload.status_code == 201, upload.text
    receipt = await draft.receipt()
    assert receipt.status_code == 200, receipt.text
    await handed_in.open()
    seen = await handed_in.receipt()
    assert seen.status_code == 200, seen.text
    await handed_in.complete()
    await handed_in.submit()
    await paying.submitted()
    await paying.approved(**MED)
    await run_jobs(app)
    await offered.submitted()
    assert (await offered.lease()).status_code == 200
    to = {"to_staff_id": str(tenant.staff.account_id)}
    handover = await offered.post(f"{offered.staff_path}/handovers", office.reviewer, to)
    assert handover.status_code == 201, handover.text
    tenant.ids |= {
        "handover_id": handover.json()["id"],
        "judgeClaimSignal.claim_id": offered.id,
        "signal_id": (await offered.seen())["signals"][0]["id"],
        "claim_id": draft.id,
        "document_id": _files(await draft.own())[0],
        "receipt_id": receipt.json()["receipts"][0]["id"],
        "takeBackReviewedReceipt.receipt_id": seen.json()["receipts"][0]["id"],
        "token": upload.json()["token"],
    }
    for operation in ("getClaimPayout", "requestClaimPayout", "getPayoutOfClaim"):
        tenant.ids[f"{operation}.claim_id"] = paying.id
    tenant.ids["reissuePayoutOfClaim.claim_id"] = paying.id
    for operation in (
        "getClaim",
        "listClaimSignals",
        "leaseClaim",
        "releaseClaim",
        "correctClaimFacts",
        "addReviewedReceipt",
        "takeBackReviewedReceipt",
        "viewClaimDocument",
        "acceptClaimDocument",
        "returnClaimDocument",
        "decideClaim",
        "approveClaimSecond",
    ):
        tenant.ids[f"{operation}.claim_id"] = handed_in.id
        tenant.ids[f"{operation}.document_id"] = _files(await handed_in.own())[0]


async def _policy_of(app: FastAPI, policy_id: str) -> Any:
    from app.policies.models import Policy

    async with app.state.database.transaction() as session:
        return await session.get(Policy, UUID(policy_id))


def _files(claim: Mapping[str, Any]) -> list[str]:
    return [file["id"] for document in claim["documents"] for file in document["files"]]


async def _newcomer(client: httpx.AsyncClient, tenant: Tenant) -> None:
    """Somebody in the middle of proving who they are."""
    registration = await register(client, tenant.newcomer, number(), name(), "face")
    check = await start_check(client, tenant.newcomer)
    tenant.ids |= {"registration_id": registration["id"], "check_id": check["id"]}


async def _office(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    colleague = await staff_token(app, tenant.site.id, ["caseworker"])
    code = await make_code(client, tenant.single["caseworker"], tenant.site.id)
    standing = item(enrolment_code=code["code"], order={"plan_code": "RIDER-ACC"})
    [enrolled] = await enrol(client, tenant.staff, standing)
    tenant.ids |= {
        "organisation_id": str(tenant.site.id),
        "account_id": str(colleague.account_id),
        "code_id": code["id"],
        "code": code["code"],
        "startPaymentOnSite.order_id": enrolled["order"]["id"],
    }


async def _partner(app: FastAPI, tenant: Tenant) -> None:
    agreement = await tenant.platform.agree()
    await tenant.platform.push([roster_rider() for _ in range(3)])
    async with app.state.database.transaction() as session:
        client_row = await session.scalar(
            text("select id from partner_client where partner_id = :id"),
            {"id": tenant.partner.account_id},
        )
    tenant.ids |= {
        "partner_id": str(tenant.partner.account_id),
        "client_row_id": str(client_row),
        "agreement_id": agreement["id"],
        "sequence": str(tenant.platform.sequence),
    }


def tomorrow() -> str:
    return (business_day(system_now()) + timedelta(days=1)).isoformat()
