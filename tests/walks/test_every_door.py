"""No door is forgotten: every operation that changes something is in a table, or named here."""

import pytest
from fastapi import FastAPI

from app.kernel.transitions import LIFECYCLES
from tests.api.routes import discover
from tests.walks import (
    attempts,
    claims_table,
    cover,
    days,
    logins,
    money,
    offices,
    people,
    relief_tables,
    survivors,
)
from tests.walks.walk import Table

TABLES = [
    table
    for module in (
        claims_table,
        survivors,
        relief_tables,
        cover,
        money,
        people,
        offices,
        days,
        attempts,
        logins,
    )
    for table in vars(module).values()
    if isinstance(table, Table)
]
# Operations that act on nothing with a status, and why.
ELSEWHERE = {
    "begins something, whatever else there is": (
        "createOrganisation createStaffAccount createPartner makeServeCode grantServing"
        " openFundAccount recordLedgerReceipt proposeFundTransfer draftPlanVersion"
        " declareMoratorium openOrder joinAsGroup recordPayoutAccount makePayoutBatch openClaim"
        " receiveClaim reportDeath simulatePlan openReliefFund openHousehold createEnrolmentCode"
        " enrolOnSite giveConsent"
    ),
    "logs in": "logInStaff issuePartnerToken",
    "only looks, asks or reckons": (
        "viewOwnClaimDocument viewClaimDocument viewOwnReliefDocument viewReliefDocument"
        " linkPayoutBatchFile validatePlanVersion quoteCover quoteForMember quoteGroup"
        " estimateClaim estimateMemberClaim"
    ),
    "changes what is either there or not": (
        "changeOrganisation retirePayoutAccount endAgreement markMessageRead"
        " answerMessageSubscription chooseMessagePreferences moveClock"
    ),
    "only has us ask: the answer counts (tests/payouts)": "takeTransferNoticeOfGateway",
}


@pytest.mark.anyio
async def test_every_door_is_in_a_table(app: FastAPI) -> None:
    walked = {name for table in TABLES for name in table.operations}
    named = [name for names in ELSEWHERE.values() for name in names.split()]
    doors = {each.id for each in discover(app) if each.method != "GET"}
    assert len(named) == len({*named})
    assert doors - walked == {*named}
    assert walked <= doors


def test_every_lifecycle_is_walked() -> None:
    assert LIFECYCLES.keys() <= {table.subject for table in TABLES}


def test_the_tables_are_whole() -> None:
    assert [fault for table in TABLES for fault in table.faults()] == []
