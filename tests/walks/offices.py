"""Plans, simulations, rosters, partners, staff accounts and codes in each status."""

from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.claims.simulation_models import SIMULATION, PlanSimulation
from app.kernel.clock import business_day, system_now
from app.organisations.models import Kind
from app.rosters.models import ROSTER, Roster
from tests.access_fixtures import make_organisation, staff_token
from tests.enrolment.factories import make_code
from tests.plans.authors import Authors, version
from tests.rosters.factories import Platform
from tests.rosters.factories import rider as roster_rider
from tests.walks.people import moved
from tests.walks.walk import Door, Person, Subject, Table

VERSIONS = Table(
    "plan_version",
    {"dra": "draft", "pub": "published", "clo": "closed", "ret": "retired"},
    {
        "it": "invalid-transition",
        "pp": "plan-version-published",
        "no": "plan-version-not-on-sale",
        "gone": "gone",
    },
    {
        "replacePlanVersion": Door("author", lambda each: version(each.ids["code"])),
        "dropPlanVersion": Door("author"),
        "publishPlanVersion": Door("office"),
        "endSaleOfPlanVersion": Door("office", {"effective_to": None}),
        "closePlanVersion": Door("office"),
        "reopenPlanVersion": Door("office"),
        "retirePlanVersion": Door("office"),
    },
    """
                       dra  pub clo ret
replacePlanVersion     +    pp  pp  pp
dropPlanVersion        gone pp  pp  pp
publishPlanVersion     pub  pp  pp  pp
endSaleOfPlanVersion   no   +   no  no
closePlanVersion       it   clo it  it
reopenPlanVersion      it   it  pub it
retirePlanVersion      it   it  ret it
""",
)


async def version_in_each_status(authors: Authors) -> dict[str, Subject]:
    found = {}
    for head in VERSIONS.heads:
        made = await authors.draft()
        acts = {"pub": ("publication",), "clo": ("publication", "closure")}
        acts |= {"ret": ("publication", "closure", "retirement"), "dra": ()}
        for act in acts[head]:
            answer = await authors.post(f"/{made['id']}/{act}", who=authors.office)
            assert answer.status_code == 200, answer.text
        people: dict[str, Person] = {"author": authors.agency, "office": authors.office}
        found[head] = Subject(made["id"], people, {"code": made["plan_code"]})
    return found


SIMULATIONS = Table(
    "plan_simulation",
    {
        "req": "requested",
        "run": "running",
        "don": "done",
        "fai": "failed",
        "can": "cancelled",
    },
    {"it": "invalid-transition"},
    {"cancelPlanSimulation": Door("office")},
    """
                       req run don fai can
cancelPlanSimulation   can can it  it  it
""",
)
_RUN = {
    "req": (),
    "run": ("running",),
    "don": ("running", "done"),
    "fai": ("failed",),
    "can": ("cancelled",),
}


async def simulation_in_each_status(app: FastAPI, authors: Authors) -> dict[str, Subject]:
    draft, found = await authors.draft(), {}
    for head in SIMULATIONS.heads:
        body = {
            "version_id": draft["id"],
            "against": "RIDER-ACC",
            "from_on": "2026-01-01",
            "to_on": "2100-01-01",
        }
        answer = await authors.client.post(
            "/v1/staff/plan-simulations", headers=authors.office.keyed, json=body
        )
        assert answer.status_code == 202, answer.text
        simulation_id = answer.json()["id"]
        more: dict[str, Any] = {"result": {}} if head == "don" else {}
        await moved(app, SIMULATION, PlanSimulation, UUID(simulation_id), _RUN[head], **more)
        found[head] = Subject(simulation_id, {"office": authors.office})
    return found


def _riders(roster: Subject) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return {"content": bytes.fromhex(roster.ids["body"]), "headers": headers}


# The same snapshot again is the same roster; a confirmed one goes on by itself.
ROSTERS = Table(
    "roster",
    {
        "acc": "accepted",
        "rea": "reading",
        "hel": "held",
        "apy": "applying",
        "apd": "applied",
        "ref": "refused",
        "sup": "superseded",
    },
    {"nh": "roster-not-held"},
    {
        "pushRoster": Door("partner", form=_riders),
        "confirmRoster": Door("partner"),
    },
    """
                       acc rea hel apy apd ref sup
pushRoster             =   =   =   =   =   =   =
confirmRoster          nh  nh  rea nh  nh  nh  nh
""",
)
_READ = {
    "acc": (),
    "rea": ("reading",),
    "hel": ("reading", "held"),
    "apy": ("reading", "applying"),
    "apd": ("reading", "applying", "applied"),
    "ref": ("reading", "refused"),
    "sup": ("superseded",),
}


async def roster_in_each_status(platforms: list[Platform]) -> dict[str, Subject]:
    """One of each of as many partners."""
    found = {}
    for head, platform in zip(ROSTERS.heads, platforms, strict=True):
        await platform.agree()
        answer = await platform.put([roster_rider()])
        assert answer.status_code == 202, answer.text
        async with platform.app.state.database.transaction() as session:
            roster_id = await session.scalar(
                text("select id from roster where partner_id = :id"),
                {"id": platform.caller.account_id},
            )
        await moved(platform.app, ROSTER, Roster, roster_id, _READ[head])
        ids = {"sequence": "1", "body": answer.request.content.hex()}
        found[head] = Subject(str(roster_id), {"partner": platform.caller}, ids)
    return found


PARTNERS = Table(
    "partner",
    {"act": "active", "sus": "suspended"},
    {"it": "invalid-transition", "ps": "partner-suspended"},
    {
        "suspendPartner": Door("administrator"),
        "reinstatePartner": Door("administrator"),
        "createPartnerClient": Door("administrator", {}),
        "rotatePartnerSecret": Door("administrator", {}),
        "disablePartnerClient": Door("administrator"),
        "makeAgreement": Door("administrator", lambda _: _agreement()),
    },
    """
                       act sus
suspendPartner         sus it
reinstatePartner       it  act
createPartnerClient    +   ps
rotatePartnerSecret    +   +
disablePartnerClient   +   +
makeAgreement          +   +
""",
)


def _agreement() -> dict[str, str]:
    return {"plan_code": "SH-GIG-C", "starts_on": business_day(system_now()).isoformat()}


async def partner_in_each_status(
    client: httpx.AsyncClient, platforms: list[Platform]
) -> dict[str, Subject]:
    found = {}
    for head, platform in zip(PARTNERS.heads, platforms, strict=True):
        partner_id = str(platform.caller.account_id)
        who = await staff_token(platform.app, platform.organisation_id, ["administrator"])
        if head == "sus":
            path = f"/v1/staff/partners/{partner_id}/suspend"
            assert (await client.post(path, headers=who.keyed)).status_code == 200
        async with platform.app.state.database.transaction() as session:
            client_id = await session.scalar(
                text("select id from partner_client where partner_id = :id"), {"id": partner_id}
            )
        found[head] = Subject(partner_id, {"administrator": who}, {"client_row_id": str(client_id)})
    return found


STAFF = Table(
    "staff_account",
    {"act": "active", "dis": "disabled"},
    {"it": "invalid-transition"},
    {
        "disableStaffAccount": Door("administrator"),
        "enableStaffAccount": Door("administrator"),
        "rekeyStaffAccount": Door("administrator"),
    },
    """
                       act dis
disableStaffAccount    dis it
enableStaffAccount     it  act
rekeyStaffAccount      +   +
""",
)


async def account_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, organisation_id: UUID
) -> dict[str, Subject]:
    who, found = await staff_token(app, organisation_id, ["administrator"]), {}
    for head in STAFF.heads:
        colleague = await staff_token(app, organisation_id, ["caseworker"])
        if head == "dis":
            path = f"/v1/staff/accounts/{colleague.account_id}/disable"
            assert (await client.post(path, headers=who.keyed)).status_code == 200
        found[head] = Subject(str(colleague.account_id), {"administrator": who})
    return found


CODES = Table(
    "enrolment code",
    {"act": "active", "rvk": "revoked"},
    {},
    {"revokeEnrolmentCode": Door("caseworker")},
    """
                       act rvk
revokeEnrolmentCode    rvk =
""",
    "select case when revoked_at is null then 'active' else 'revoked' end"
    " from enrolment_code where id = :id",
)


async def code_in_each_status(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Subject]:
    site, found = await make_organisation(app, Kind.SITE), {}
    who = await staff_token(app, site.id, ["caseworker"])
    for head in CODES.heads:
        code = await make_code(client, who, site.id)
        if head == "rvk":
            path = f"/v1/staff/enrolment-codes/{code['id']}/revocation"
            answer = await client.post(path, headers=who.keyed)
            assert answer.status_code == 201, answer.text
        found[head] = Subject(code["id"], {"caseworker": who})
    return found
