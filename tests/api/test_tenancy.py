"""P9: role × endpoint × foreign object, over every route that the application has."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import system_now
from app.kernel.database import Database
from tests.access_fixtures import SignedIn
from tests.api.routes import Operation, call, discover
from tests.api.world import ROLES, Tenant, simulation_body, tomorrow
from tests.cover_fixtures import Rider
from tests.enrolment.factories import item

pytestmark = pytest.mark.anyio

Tenants = tuple[Tenant, Tenant]

# Path parameters that name no object of somebody.
WORDS = {"purpose", "kind", "offset", "template"}
# What a caller of another tenant may do with an id, and why.
OPEN_TO_OTHERS = {
    "attestRegistration": "any office serves anybody: the rider shows the id and the card",
    "pushRoster": "a sequence is each partner's own; this makes the caller's",
}
# Of the two agencies' one city: its staff may, and are the peers of nobody.
CITYWIDE = {
    "listAccountEntries",
    "exportAccountStatement",
    "openFundAccount",
    "listLedgerMonths",
    "readLedgerMonth",
    "closeLedgerMonth",
    "readLedgerTransaction",
    "reverseLedgerTransaction",
    "decideLedgerReversal",
    "readPayoutBatch",
    "listPayoutBatchRows",
    "linkPayoutBatchFile",
    "downloadPayoutBatchFile",
    "submitPayoutBatchByHand",
    "uploadPayoutBatchResult",
    "stopPayout",
    "dispatchPayout",
    "listPayoutBatches",
    "listReconciliations",
    "readReconciliation",
    "listReconciliationItems",
    "settleDifference",
    "settleDifferencesOfDay",
    "publishPlanVersion",
    "endSaleOfPlanVersion",
    "closePlanVersion",
    "reopenPlanVersion",
    "retirePlanVersion",
    "readPlanSimulation",
    "cancelPlanSimulation",
    "explainSimulatedClaim",
}
OWNERS = {"readIdentityCheck": "newcomer"}
# Bodies whose example fits no object of the tenant that owns the path.
BODIES: dict[str, Any] = {
    "endAgreement": {"last_day": tomorrow()},
    "chooseClaimAccount": {"payout_account_id": None},
    "openClaimUpload": {"kind": "medical_record", "bytes": 900},
    "openReceivedUpload": {"kind": "medical_record", "bytes": 900},
}


def owner_of(operation: Operation, tenant: Tenant) -> SignedIn | Rider:
    if operation.door == "member":
        return tenant.newcomer if OWNERS.get(operation.id) == "newcomer" else tenant.rider
    if operation.id in CITYWIDE:
        return tenant.city
    return tenant.staff if operation.door == "staff" else tenant.partner


def strangers(operation: Operation, mine: Tenant, other: Tenant) -> Iterator[tuple[str, Any, int]]:
    """Everybody who must be turned away: who, token, the status (0: 403 or 404)."""
    yield "anonymous", None, 401
    if operation.id in CITYWIDE:
        yield "an agency's administrator", mine.single["administrator"], 403
    else:
        yield "another tenant's peer", owner_of(operation, other), 0
    if operation.door == "member":
        yield "another member", mine.neighbour, 0
    doors = {"member": mine.rider, "staff": mine.staff, "partner": mine.partner}
    for door, who in doors.items():
        if door != operation.door:
            yield f"the {door} door's token", who, 401
    for role in ROLES if operation.door == "staff" else ():
        if operation.roles and role not in operation.roles:
            yield f"a mere {role}", mine.single[role], 403
        elif role in operation.roles:
            yield f"another tenant's {role}", other.single[role], 0


def with_ids(app: FastAPI) -> list[Operation]:
    return [
        operation
        for operation in discover(app)
        if operation.door is not None and set(operation.parameters) - WORDS
    ]


_TABLES = text(
    "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
    " where schemaname in ('public', 'pgqueuer') and tablename <> 'rate_counter'"
)


async def fingerprint(database: Database) -> dict[str, tuple[int, int]]:
    """Row count and the sum of writing transactions of each table: equal means untouched."""
    async with database.transaction() as session:
        names = (await session.scalars(_TABLES)).all()
        each = " union all ".join(
            f"select '{name}' as name, count(*) as rows,"
            f" coalesce(sum(xmin::text::bigint), 0)::bigint as writes from {name}"
            for name in names
        )
        rows = (await session.execute(text(each))).all()
    return {row.name: (row.rows, row.writes) for row in rows}


@pytest.mark.long
async def test_foreign_callers_get_nothing_and_change_nothing(
    app: FastAPI, client: httpx.AsyncClient, database: Database, tenants: Tenants
) -> None:
    mine, other = tenants
    faults: list[str] = []
    tried = 0
    before = await fingerprint(database)
    for operation in with_ids(app):
        if operation.id in OPEN_TO_OTHERS:
            continue
        for words, who, expected in strangers(operation, mine, other):
            answer = await call(
                client, operation, operation.address(mine), who, BODIES.get(operation.id)
            )
            tried += 1
            allowed = {expected} if expected else {403, 404}
            if answer.status_code not in allowed:
                faults.append(f"{operation.id}: {words} got {answer.status_code} {answer.text}")
        after = await fingerprint(database)
        faults += [f"{operation.id}: wrote {name}" for name in after if after[name] != before[name]]
        before = after
    assert not faults, "\n".join(faults)
    assert tried > 300


async def test_too_small_roles_and_wrong_doors_everywhere(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    """Routes without an id as well."""
    mine, other = tenants
    faults = []
    for operation in discover(app):
        # Whoever is logged in may log out.
        if operation.door is None or operation.id == "logOut":
            continue
        for words, who, expected in strangers(operation, mine, other):
            if expected:
                answer = await call(client, operation, operation.address(mine), who)
                if answer.status_code != expected:
                    faults.append(f"{operation.id}: {words} got {answer.status_code}")
    assert not faults, "\n".join(faults)


async def test_lists_and_own_pages_hold_nothing_of_another_tenant(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    mine, other = tenants
    faults = []
    for operation in discover(app):
        if operation.method != "GET" or operation.parameters or operation.door is None:
            continue
        if operation.id in CITYWIDE:
            continue
        answer = await call(client, operation, operation.path, owner_of(operation, other))
        faults += [f"{operation.id}: {value}" for value in mine.everything if value in answer.text]
    assert not faults, "\n".join(faults)


# Ids in queries, by operation and parameter: the foreign object to name there.
IN_QUERIES: dict[tuple[str, str], str] = {
    ("listOrganisations", "parent_id"): "organisation_id",
    ("listStaffAccounts", "organisation_id"): "organisation_id",
    ("listEnrolmentCodes", "site_id"): "organisation_id",
    ("comparePlanVersions", "against"): "version_id",
    ("listVisits", "organisation_id"): "organisation_id",
    ("listVisits", "person_id"): "person_id",
    ("listVisits", "case_id"): "case_id",
}


async def test_ids_in_queries_open_nothing(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    mine, other = tenants
    for operation in discover(app):
        for parameter in operation.document.get("parameters", ()):
            if parameter["in"] != "query" or "uuid" not in str(parameter["schema"]):
                continue
            name = parameter["name"]
            foreign = mine.of(operation.id, IN_QUERIES[operation.id, name])
            url = f"{operation.url(other)}?{name}={foreign}"
            answer = await call(client, operation, url, owner_of(operation, other))
            assert answer.status_code in (200, 404), operation.id
            if answer.status_code == 200:
                assert answer.json()["items"] == [], operation.id


def claim_body(tenant: Tenant, **more: Any) -> dict[str, Any]:
    incident = {
        "cause": "accident",
        "occurred_at": (system_now() - timedelta(days=1)).isoformat(),
        "place": "某路口",
        "description": "摔倒",
    }
    return {
        "policy_id": tenant.ids["policy_id"],
        "benefit_code": "MED",
        "incident": incident,
    } | more


def estimate_body(policy_of: Tenant, **more: Any) -> dict[str, Any]:
    incident = {"occurred_at": (system_now() - timedelta(days=1)).isoformat()}
    policy_id = policy_of.ids["policy_id"]
    return {"policy_id": policy_id, "benefit_code": "MED", "incident": incident} | more


def joining_body(unit: Tenant, people: Tenant) -> dict[str, Any]:
    return {
        "organisation_id": str(unit.site.parent_id),
        "plan_code": "RIDER-ACC",
        "headcount": 1,
        "person_ids": [str(people.rider.person.id)],
        "evidence": "社保缴费通知单",
    }


def renewal_body(policy_of: Tenant) -> dict[str, Any]:
    policy_id = policy_of.ids["policy_id"]
    return {"plan_code": "RIDER-ACC", "kind": "renewal", "policy_id": policy_id, "shares": 1}


def code_body(tenant: Tenant, **more: Any) -> dict[str, Any]:
    expires_at = (system_now() + timedelta(days=9)).isoformat()
    return {"organisation_id": str(tenant.site.id), "expires_at": expires_at} | more


def case_body(person_of: Tenant, fund_of: Tenant) -> dict[str, Any]:
    return {
        "person_id": person_of.ids["person_id"],
        "fund_id": fund_of.ids["fund_id"],
        "ground": "hardship",
    }


def visit_body(own: Tenant, **more: Any) -> dict[str, Any]:
    return {
        "client_ref": f"tablet-{secrets.token_hex(6)}",
        "person_id": own.ids["person_id"],
        "visited_at": system_now().isoformat(),
        "notes": "到医院慰问",
    } | more


def votes(of: Tenant) -> dict[str, Any]:
    seat = {"staff_id": str(of.single["supervisor"].account_id), "vote": "for"}
    return {"verdict": "grant", "votes": [seat]}


def household_body(own: Tenant, **kin: Any) -> dict[str, Any]:
    member = {"relation": "sibling"} | kin
    return {"person_id": own.ids["person_id"], "address": "某街道", "members": [member]}


Named = Callable[[Tenant, Tenant], dict[str, Any]]
# Ids in bodies, by operation and member: a body of the second tenant, right in everything
# but that it names an object of the first.
IN_BODIES: dict[tuple[str, str], Named] = {
    ("createOrganisation", "parent_id"): lambda theirs, _: {
        "parent_id": str(theirs.agency.id),
        "kind": "unit",
        "name": "外来单位",
    },
    ("changeOrganisation", "successor_id"): lambda theirs, _: {
        "valid_to": tomorrow(),
        "successor_id": str(theirs.site.id),
    },
    ("createStaffAccount", "organisation_id"): lambda theirs, _: {
        "organisation_id": str(theirs.site.id),
        "username": f"x{secrets.token_hex(5)}",
        "display_name": "某人",
        "roles": ["caseworker"],
    },
    ("createPartner", "organisation_id"): lambda theirs, _: {
        "organisation_id": str(theirs.agency.id),
        "name": "外来平台",
        "uscc": "91110000600037341L",
    },
    ("declareMoratorium", "organisation_id"): lambda theirs, _: {
        "organisation_id": str(theirs.site.id),
        "first_day": tomorrow(),
        "last_day": tomorrow(),
        "reason": "防汛",
    },
    ("openClaim", "policy_id"): lambda theirs, _: claim_body(theirs),
    ("receiveClaim", "policy_id"): lambda theirs, _: claim_body(theirs),
    ("openClaim", "payout_account_id"): lambda theirs, own: claim_body(
        own, payout_account_id=theirs.ids["retirePayoutAccount.account_id"]
    ),
    ("receiveClaim", "payout_account_id"): lambda theirs, own: claim_body(
        own, payout_account_id=theirs.ids["retirePayoutAccount.account_id"]
    ),
    ("estimateClaim", "policy_id"): lambda theirs, _: estimate_body(theirs),
    ("estimateMemberClaim", "policy_id"): lambda theirs, own: estimate_body(
        theirs, person_id=own.ids["person_id"]
    ),
    ("estimateMemberClaim", "person_id"): lambda theirs, _: estimate_body(
        theirs, person_id=theirs.ids["person_id"]
    ),
    ("chooseClaimAccount", "payout_account_id"): lambda theirs, _: {
        "payout_account_id": theirs.ids["retirePayoutAccount.account_id"]
    },
    ("recordDeath", "person_id"): lambda theirs, _: {
        "person_id": theirs.ids["person_id"],
        "died_on": "2026-11-20",
        "evidence": "死亡证明",
    },
    ("proveClaimantKinship", "document_id"): lambda theirs, _: {
        "document_id": theirs.ids["document_id"]
    },
    ("joinClaimIncident", "claim_id"): lambda theirs, _: {"claim_id": theirs.ids["claim_id"]},
    ("handOverClaim", "to_staff_id"): lambda theirs, _: {
        "to_staff_id": str(theirs.single["reviewer"].account_id)
    },
    ("simulatePlan", "version_id"): lambda theirs, _: simulation_body(theirs),
    ("createEnrolmentCode", "organisation_id"): lambda theirs, _: code_body(theirs),
    ("createEnrolmentCode", "caseworker_id"): lambda theirs, own: code_body(
        own, caseworker_id=str(theirs.single["caseworker"].account_id)
    ),
    ("createEnrolmentCode", "sponsor_id"): lambda theirs, own: code_body(
        own, sponsor_id=theirs.ids["partner_id"]
    ),
    ("openReliefFund", "organisation_id"): lambda theirs, _: {
        "organisation_id": str(theirs.agency.id),
        "code": "FOREIGN-FUND",
        "name_zh": "外来基金",
        "name_en": "Foreign fund",
        "quorum": 1,
    },
    ("openReliefCase", "person_id"): case_body,
    ("openReliefCase", "fund_id"): lambda theirs, own: case_body(own, theirs),
    ("applyForRelief", "payout_account_id"): lambda theirs, _: {
        "statements": ["true-and-complete"],
        "payout_account_id": theirs.ids["retirePayoutAccount.account_id"],
    },
    ("applyAtCounter", "payout_account_id"): lambda theirs, _: {
        "statements": ["true-and-complete"],
        "payout_account_id": theirs.ids["retirePayoutAccount.account_id"],
    },
    ("decideReliefCase", "staff_id"): lambda theirs, _: votes(theirs),
    ("openHousehold", "person_id"): lambda theirs, _: household_body(theirs, name="王芳"),
    ("openHousehold", "staff_id"): lambda theirs, own: household_body(
        own, name="王芳", staff_id=str(theirs.single["caseworker"].account_id)
    ),
    ("addHouseholdMember", "person_id"): lambda theirs, _: {
        "relation": "spouse",
        "person_id": theirs.ids["person_id"],
    },
    ("addHouseholdMember", "staff_id"): lambda theirs, _: {
        "relation": "sibling",
        "name": "张大明",
        "staff_id": str(theirs.single["caseworker"].account_id),
    },
    ("recordVisit", "person_id"): lambda theirs, own: visit_body(
        own, person_id=theirs.ids["person_id"]
    ),
    ("recordVisit", "fund_id"): lambda theirs, own: visit_body(
        own,
        grant={
            "fund_id": theirs.ids["fund_id"],
            "kind": "condolence",
            "ground": "accident",
        },
    ),
    ("recordVisit", "policy_id"): lambda theirs, own: visit_body(own, claim=claim_body(theirs)),
    ("recordVisit", "payout_account_id"): lambda theirs, own: visit_body(
        own,
        claim=claim_body(own, payout_account_id=theirs.ids["retirePayoutAccount.account_id"]),
    ),
    ("enrolOnSite", "organisation_id"): lambda theirs, _: {
        "items": [item(organisation_id=str(theirs.site.id))]
    },
    ("enrolOnSite", "policy_id"): lambda theirs, _: {
        "items": [item(order=renewal_body(theirs) | {"payer": "member"})]
    },
    ("openOrder", "policy_id"): lambda theirs, _: renewal_body(theirs),
    ("quoteCover", "policy_id"): lambda theirs, _: renewal_body(theirs),
    ("quoteForMember", "policy_id"): lambda theirs, _: renewal_body(theirs),
    ("quoteGroup", "organisation_id"): lambda theirs, _: {
        "organisation_id": str(theirs.site.id),
        "plan_code": "RIDER-ACC",
        "headcount": 1,
        "members": [{"shares": 1}],
    },
    ("joinAsGroup", "organisation_id"): joining_body,
    # Which people a unit has is proven in tests/billing/test_groups.py.
    ("joinAsGroup", "person_ids"): lambda theirs, own: joining_body(own, theirs),
}


def ids_in_body(app: FastAPI, operation: Operation) -> Iterator[str]:
    """Names of the members that hold an id, at any depth."""
    schemas = app.openapi()["components"]["schemas"]

    def walk(schema: Any, name: str) -> Iterator[str]:
        if isinstance(schema, list):
            for each in schema:
                yield from walk(each, name)
        elif isinstance(schema, dict):
            if schema.get("format") == "uuid":
                yield name
            if "$ref" in schema:
                yield from walk(schemas[schema["$ref"].rsplit("/", 1)[-1]], name)
            for key, each in schema.get("properties", {}).items():
                yield from walk(each, key)
            for key in ("anyOf", "oneOf", "items"):
                yield from walk(schema.get(key), name)

    yield from walk([media["schema"] for media in operation.content.values()], "")


async def test_ids_in_bodies_open_nothing(
    app: FastAPI, client: httpx.AsyncClient, database: Database, tenants: Tenants
) -> None:
    theirs, own = tenants
    faults = []
    for operation in discover(app):
        for name in ids_in_body(app, operation):
            body = IN_BODIES[operation.id, name](theirs, own)
            caller = owner_of(operation, own)
            before = await fingerprint(database)
            answer = await call(client, operation, operation.url(own), caller, body)
            after = await fingerprint(database)
            changed = {table for table in after if after[table] != before[table]}
            refused = answer.status_code in (403, 404, 409, 422)
            if operation.id == "enrolOnSite":
                [told] = answer.json()["items"]
                refused = told["outcome"] == "refused" or bool(told.get("order_problem"))
                # The rider is enrolled although the order that came along is refused.
                bought = {"public.contribution_order", "public.policy", "public.share_slot"}
                changed &= bought if name == "policy_id" else changed - {"public.stored_answer"}
            if not refused or changed:
                faults.append(
                    f"{operation.id} {name}: {answer.status_code} {changed} {answer.text}"
                )
    assert not faults, "\n".join(faults)


@pytest.mark.long
async def test_the_owner_is_let_in_everywhere(
    app: FastAPI, client: httpx.AsyncClient, tenant_to_end: Tenant
) -> None:
    """Else the refusals above could have been about something else. Ends things last."""
    mine = tenant_to_end
    ranks = {"GET": 0, "PUT": 1, "PATCH": 1, "POST": 2, "DELETE": 3}
    late = {"suspendPartner": 9, "reinstatePartner": 10, "disableStaffAccount": 9}
    faults = []
    found = sorted(with_ids(app), key=lambda each: late.get(each.id, ranks[each.method]))
    for operation in found:
        answer = await call(
            client,
            operation,
            operation.address(mine),
            owner_of(operation, mine),
            BODIES.get(operation.id),
        )
        if answer.status_code in (401, 403, 404, 405) or answer.status_code >= 500:
            faults.append(f"{operation.id}: {answer.status_code} {answer.text}")
    assert not faults, "\n".join(faults)
