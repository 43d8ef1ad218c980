"""Checks of who somebody is, and members' logins, in each status, and their doors."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import httpx
from fastapi import FastAPI

from app.integrations.identity_vendor import VendorResult, VendorState
from app.members.check_answers import record_result
from app.members.models import IdentityCheck
from tests.access_fixtures import SignedIn, member_token
from tests.claims.factories import Office
from tests.cover_fixtures import make_rider
from tests.members.conftest import SignedCallback
from tests.members.factories import name, number, register, start_check
from tests.simulators_fixture import Simulators
from tests.walks.cover import says
from tests.walks.people import card, recorded_death
from tests.walks.walk import Door, Person, Subject, Table

# `cal` passed as the vendor called back, `pas` as it answered our question. A callback is taken
# once; what has ended stays as it is, and only of what ran out of time it is written down.
CHECKS = Table(
    "identity_check",
    {
        "req": "requested",
        "pas": "passed",
        "cal": "passed",
        "fai": "failed",
        "exp": "expired",
    },
    {
        "ia": "identity-check-answered",
        "ic": "identity-check-running",
        "rc": "registration-checking",
        "nf": "not-found",
    },
    {
        "takeIdentityCallback:passed": Door("vendor", form=says("passed")),
        "takeIdentityCallback:failed": Door("vendor", form=says("failed")),
        "requestIdentityCheck": Door("member"),
        "resumeRegistration": Door("member", lambda each: {"name": each.ids["called"]}),
        "abandonRegistration": Door("member"),
        "withdrawConsent": Door("member"),
        "attestRegistration": Door("caseworker", card),
    },
    """
                             req pas cal fai exp
takeIdentityCallback:passed  pas =   ia  =   +
takeIdentityCallback:failed  fai =   ia  =   +
requestIdentityCheck         ic  nf  nf  +   +
resumeRegistration           rc  nf  nf  +   +
abandonRegistration          exp nf  nf  +   +
withdrawConsent              exp +   +   +   +
attestRegistration           exp nf  nf  +   +
""",
)
_ANSWERS: Mapping[str, VendorState] = {"pas": "passed", "fai": "failed", "exp": "expired"}


async def check_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn, signed: SignedCallback
) -> dict[str, Subject]:
    found = {}
    for head in CHECKS.heads:
        member, document, called = await member_token(app), number(), name()
        made = await register(client, member, document, called, "face")
        check_id = (await start_check(client, member))["id"]
        async with app.state.database.transaction() as session:
            reference = (await session.get_one(IdentityCheck, UUID(check_id))).vendor_reference
        assert reference is not None
        more = {each: partial(_callback, signed, check_id, reference, each) for each in _CODES}
        if head == "cal":
            headers, content = more["passed"]()
            path = "/v1/identity-vendor/callbacks"
            answer = await client.post(path, headers=headers, content=content)
            assert answer.status_code == 204, answer.text
        if head in _ANSWERS:
            result = VendorResult(reference, check_id, _ANSWERS[head])
            await record_result(app.state.database, app.state.vault, result)
        people: dict[str, Person] = {"member": member, "caseworker": caseworker, "vendor": None}
        ids = {"registration_id": made["id"], "number": document, "called": called}
        found[head] = Subject(check_id, people, ids | {"purpose": "face"}, more)
    return found


_CODES = {"passed": "ok", "failed": "mismatch"}


def _callback(
    signed: SignedCallback, check_id: str, reference: str, state: str
) -> tuple[dict[str, str], bytes]:
    content = {"reference": reference, "order_ref": check_id, "state": state}
    return signed(content | {"code": _CODES[state], "score": 96.4, "evidence_reference": "e-1"})


# `bak` was blocked by a report of its person's death that was withdrawn: what was ended then
# stays ended. A login says so in the audit trail, new tokens do not.
ACCOUNTS = Table(
    "member_account",
    {"act": "active", "blk": "blocked", "bak": "active"},
    {
        "ab": "account-blocked",
        "ua": "unauthenticated",
        "rb": "death-reported-before",
        "ra": "death-report-answered",
    },
    {
        "sendOneTimeCode": Door("nobody", lambda account: {"phone": account.ids["phone"]}),
        "logInByPhone": Door(
            "nobody",
            lambda account: {"phone": account.ids["phone"], "code": account.ids["code"]},
        ),
        "logInByWechat": Door("nobody", lambda account: account.more["wechat"]()),
        "refreshSession": Door(
            "nobody", lambda account: {"refresh_token": account.ids["refresh_token"]}
        ),
        "logOut": Door("member"),
        "recordDeath": Door("caseworker", lambda each: recorded_death(each.ids["person_id"])),
        "withdrawDeathReport": Door("supervisor", {"reason": "同名误登记"}),
    },
    """
                     act blk bak
sendOneTimeCode      =   =   =
logInByPhone         +   ab  +
logInByWechat        +   ab  +
refreshSession       =   ua  ua
logOut               +   ua  ua
recordDeath          blk rb  blk
withdrawDeathReport  .   act ra
""",
)


async def account_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Office, simulators: Simulators
) -> dict[str, Subject]:
    found = {}
    for head in ACCOUNTS.heads:
        rider = await make_rider(app, organisation_id=office.organisation.id)
        phone, person_id = rider.caller.phone, str(rider.person.id)
        report_id = ""
        if head in ("blk", "bak"):
            report_id = await _died(client, office, person_id)
        if head == "bak":
            path = f"/v1/staff/death-reports/{report_id}/withdrawal"
            body = {"reason": "同名误登记"}
            answer = await client.post(path, headers=office.supervisor.keyed, json=body)
            assert answer.status_code == 200, answer.text
        await client.post("/v1/one-time-codes", json={"phone": phone})
        sent = simulators.control("sms/list", phone=phone)["messages"][-1]
        people: dict[str, Person] = {
            "nobody": None,
            "member": rider,
            "caseworker": office.caseworker,
            "supervisor": office.supervisor,
        }
        ids = {
            "phone": phone,
            "code": sent["parameters"]["code"],
            "refresh_token": rider.caller.refresh_token,
            "person_id": person_id,
            "report_id": report_id,
        }
        more = {"wechat": partial(_wechat, simulators, phone)}
        found[head] = Subject(str(rider.caller.account_id), people, ids, more)
    # What the watch learns within a second.
    await app.state.authenticate.refresh()
    return found


async def _died(client: httpx.AsyncClient, office: Office, person_id: str) -> str:
    answer = await client.post(
        "/v1/staff/death-reports", headers=office.caseworker.keyed, json=recorded_death(person_id)
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _wechat(simulators: Simulators, phone: str) -> dict[str, str]:
    codes = simulators.control("wechat/codes", phone=phone)
    return {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
