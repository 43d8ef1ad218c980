"""Every list of the document: pages with a cursor, an empty state, and a second page."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.ids import new_id, new_number
from tests.access_fixtures import SignedIn, partner_token, staff_token
from tests.api.conftest import Alone
from tests.api.routes import Operation, call, discover
from tests.api.test_tenancy import CITYWIDE, owner_of, visit_body
from tests.api.world import ROLES, Tenant, make_tenant
from tests.cover_fixtures import Rider, load_plans, make_rider
from tests.rosters.factories import rider

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# Read whole: they come with the program or the plans, do not grow by use, and the public ones
# are kept by their readers under one ETag.
WHOLE = {
    "listAreas",
    "listConsents",
    "listMessageSubscriptions",
    "listPlans",
    "listPlanTables",
    "listProblems",
}
# Not empty for the first office of all, and why.
NEVER_EMPTY = {
    "listOrganisations": "the office itself",
    "listStaffAccounts": "the caller's own account",
    "listLedgerAccounts": "the chart that the migrations bring",
    "listPlanVersions": "the plans that are on sale",
}


def lists(app: FastAPI) -> list[Operation]:
    """Whatever answers with rows, by its schema."""
    schemas = app.openapi()["components"]["schemas"]
    found = []
    for operation in discover(app):
        content = operation.document["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        view = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        rows = view.get("properties", {}).get("items", {}).get("type") == "array"
        if operation.method == "GET" and (rows or view.get("type") == "array"):
            found.append(operation)
    return found


def paged(app: FastAPI) -> list[Operation]:
    return [each for each in lists(app) if each.id not in WHOLE]


async def test_lists_come_in_pages(app: FastAPI) -> None:
    found = {each.id for each in lists(app)}
    assert found >= WHOLE
    assert len(found) >= 40
    faults = []
    schemas = app.openapi()["components"]["schemas"]
    for each in paged(app):
        asked = {parameter["name"]: parameter for parameter in each.document["parameters"]}
        limit = asked.get("limit", {}).get("schema", {})
        content = each.document["responses"]["200"]["content"]["application/json"]
        view = schemas[content["schema"]["$ref"].rpartition("/")[2]]
        if not (limit.get("minimum") == 1 and limit.get("maximum") and "cursor" in asked):
            faults.append(f"{each.id}: limit and cursor")
        if "next_cursor" not in view["properties"]:
            faults.append(f"{each.id}: next_cursor")
    assert not faults, "\n".join(faults)


async def test_a_list_without_rows_is_an_empty_page(alone: Alone) -> None:
    """Asked for by the first people of a service that nobody has used yet."""
    app, client = alone.app, alone.client
    await load_plans(app)
    callers: Mapping[Any, SignedIn | Rider] = {
        "member": await make_rider(app),
        "staff": await staff_token(app, alone.city.id, ROLES),
        "partner": await partner_token(app, alone.city.id),
    }
    seen = set()
    for each in paged(app):
        if each.parameters:
            continue
        answer = await client.get(each.path, headers=callers[each.door].headers)
        assert answer.status_code == 200, (each.id, answer.text)
        page = answer.json()
        if each.id in NEVER_EMPTY:
            assert page["items"], each.id
            continue
        if each.id == "listPartners":
            # The partner that asks for its rosters.
            assert len(page["items"]) == 1
            continue
        assert (page["items"], page["next_cursor"]) == ([], None), each.id
        seen.add(each.id)
    assert len(seen) >= 20


# Asked for by the municipal office, whose they are.
MUNICIPAL = CITYWIDE | {"listLedgerAccounts", "listPlanSimulations"}
# A second row where the world has one: the table, and what two rows may not share.
COPIES: dict[str, tuple[str, dict[str, Any]]] = {
    "listPartners": ("partner", {"name": "另一平台"}),
    "listPartnerClients": ("partner_client", {"client_id": f"other-{secrets.token_hex(6)}"}),
    "listReconciliations": ("reconciliation_run", {"day": "2020-01-01"}),
    "listReconciliationItems": ("reconciliation_item", {"number": "ANOTHER"}),
    "listPayoutBatches": ("payout_batch", {"number": new_number("B")}),
    "listPolicies": ("policy", {"number": new_number("P"), "order_id": None}),
    "listMoratoriums": ("moratorium", {}),
    "listOrders": ("contribution_order", {"number": new_number("B"), "status": "closed"}),
    "listPayoutAccounts": ("payout_account", {"account_index": "\\x0102"}),
    "listMessages": ("message", {"once_key": "another"}),
    "listOfferedClaims": ("claim_handover", {"claim_id": "@claim_id"}),
    "listDeathReports": ("death_report", {"person_id": "@neighbour"}),
    "listPlanSimulations": ("plan_simulation", {}),
    "listReliefFunds": ("relief_fund", {"code": "T-ANOTHER"}),
    "listHouseholds": ("household", {"number": new_number("H")}),
    "listFundTransfers": ("fund_transfer", {}),
    "listAgreements": (
        "agreement",
        {"starts_on": "2020-01-01", "ends_on": "2020-12-31"},
    ),
    "listEnrolmentCodes": ("enrolment_code", {"code": secrets.token_hex(8)}),
}
_COPY = """
insert into {table} select (jsonb_populate_record(t, cast(:changes as jsonb))).* from {table} t
where t.id = :id
"""


async def copy(app: FastAPI, table: str, row_id: str, changes: Mapping[str, Any]) -> None:
    """The same row again under another id; what is sealed, sealed for that."""
    own = new_id()
    vault = app.state.vault
    async with app.state.database.transaction() as session:
        row = (
            await session.execute(text(f"select * from {table} where id = :id"), {"id": row_id})
        ).one()
        more = dict(changes) | {"id": str(own)}
        if getattr(row, "sealed", None) is not None:
            sealed = vault.seal(table, own, vault.open(table, row.id, row.sealed))
            more["sealed"] = "\\x" + sealed.hex()
        await session.execute(
            text(_COPY.format(table=table)), {"changes": json.dumps(more), "id": row_id}
        )


_MORE = """
insert into group_joining (id, organisation_id, plan_code, headcount, shares, evidence,
                           declared_by, declared_at)
select gen_random_uuid(), o.id, 'RIDER-ACC', 9, 1, '社保缴费通知单', s.id, now()
from organisation o, staff_account s, generate_series(1, 2)
where o.id = any((select lineage from organisation where id = :site)::uuid[]) and o.kind = 'unit'
  and s.id = :staff;
insert into ledger_period (month, transactions, closed_by, closed_at)
select day, 0, :staff, now() from unnest(array['2020-01-01', '2020-02-01']::date[]) day;
insert into payout_batch_row
select (jsonb_populate_record(r, jsonb_build_object('position', 99, 'reference', 'ANOTHER',
        'payout_id', (select id from payout p where p.id <> r.payout_id limit 1),
        'outcome', 'released'))).*
from payout_batch_row r where r.batch_id = :batch limit 1
"""


async def more_of_it(app: FastAPI, client: httpx.AsyncClient, tenant: Tenant) -> None:
    """What is no copy of one row: a newer roster, corrections, and rows that the world lacks."""
    first = tenant.ids["sequence"]
    await tenant.platform.push([rider()])
    tenant.ids |= {
        "neighbour": str(tenant.neighbour.person.id),
        "listRosterRows.sequence": first,
        "listMissingRiders.sequence": str(tenant.platform.sequence),
    }
    values = {
        "site": tenant.site.id,
        "staff": tenant.staff.account_id,
        "batch": tenant.ids["batch_id"],
    }
    async with app.state.database.transaction() as session:
        for statement in _MORE.split(";"):
            named = {name: each for name, each in values.items() if f":{name}" in statement}
            await session.execute(text(statement), named)
    [visit] = [each for each in discover(app) if each.id == "recordVisit"]
    for _ in range(2):
        answer = await call(client, visit, visit.url(tenant), tenant.staff, visit_body(tenant))
        assert answer.status_code == 201, answer.text
    [correct] = [each for each in discover(app) if each.id == "endorsePolicy"]
    for occupation in ("courier", "delivery_rider"):
        body = {
            "kind": "occupation",
            "occupation": occupation,
            "reason": "更换平台",
            "evidence": "劳动合同",
        }
        answer = await call(client, correct, correct.url(tenant), tenant.staff, body)
        assert answer.status_code == 201, answer.text


async def rows_of(
    client: httpx.AsyncClient, operation: Operation, tenant: Tenant, **query: Any
) -> dict[str, Any]:
    caller = tenant.city if operation.id in MUNICIPAL else owner_of(operation, tenant)
    answer = await client.get(operation.url(tenant), headers=caller.headers, params=query)
    assert answer.status_code == 200, (operation.id, answer.text)
    page: dict[str, Any] = answer.json()
    return page


async def test_a_second_page_goes_on_where_the_first_ended(alone: Alone) -> None:
    app, client = alone.app, alone.client
    tenant = await make_tenant(app, client, alone.city)
    await more_of_it(app, client, tenant)
    short = set()
    for each in paged(app):
        whole = (await rows_of(client, each, tenant, limit=100))["items"]
        if len(whole) == 1 and each.id in COPIES:
            table, changes = COPIES[each.id]
            named = {
                name: tenant.ids[value[1:]] if str(value).startswith("@") else value
                for name, value in changes.items()
            }
            await copy(app, table, whole[0]["id"], named)
            whole = (await rows_of(client, each, tenant, limit=100))["items"]
        if len(whole) < 2:
            short.add(each.id)
            continue
        walked: list[Any] = []
        cursor: dict[str, Any] = {}
        for _ in whole:
            page = await rows_of(client, each, tenant, limit=1, **cursor)
            walked += page["items"]
            cursor = {"cursor": page["next_cursor"]}
        assert walked == whole or len(whole) == 100, each.id
        assert page["next_cursor"] is None or len(whole) == 100, each.id
    assert short == set(), short
