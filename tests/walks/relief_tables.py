"""What each door does with relief in each status: app/relief and decision 0014, in tables."""

import secrets

from app.kernel.clock import business_day, system_now
from tests.relief.factories import formula
from tests.walks.claims_world import paper
from tests.walks.walk import Door, Subject, Table

LEGEND = {"it": "invalid-transition", "fc": "relief-facts-closed"}
APPLICATION = {"statements": ["true-and-complete"]}
CORRECTION = {"facts": {"net_self_pay_fen": 7_100_000}, "reason_code": "as-on-document"}


def _grant(case: Subject) -> dict[str, object]:
    return {"verdict": "grant", "votes": case.more["for"]}


def _decline(case: Subject) -> dict[str, object]:
    votes = {"votes": case.more["against"]}
    return {"verdict": "decline", "reason_code": "helped-elsewhere", **votes}


# A case is the applicant's until it is referred, the board's until it is decided.
CASES = Table(
    "relief_case",
    {
        "pro": "proposed",
        "apd": "applied",
        "boa": "board",
        "gra": "granted",
        "pyg": "paying",
        "pai": "paid",
        "dec": "declined",
        "wdn": "withdrawn",
        "rvk": "revoked",
    },
    LEGEND,
    {
        "applyForRelief": Door("member", APPLICATION),
        "applyAtCounter": Door("caseworker", APPLICATION),
        "sendReliefDocument": Door("member", form=paper),
        "sendReliefDocumentAtCounter": Door("caseworker", form=paper),
        "removeReliefDocument": Door("member"),
        "correctReliefFacts": Door("caseworker", CORRECTION),
        "withdrawReliefCase": Door("member"),
        "withdrawReliefCaseAtCounter": Door("caseworker"),
        "referReliefCase": Door("caseworker"),
        "returnReliefCase": Door("supervisor", {"reason_code": "papers-unclear"}),
        "decideReliefCase:grant": Door("supervisor", _grant),
        "decideReliefCase:decline": Door("supervisor", _decline),
        "requestReliefPayout": Door("member"),
        "payReliefCaseAgain": Door("supervisor"),
        "revokeReliefGrant": Door("supervisor", {"reason_code": "granted-in-error"}),
    },
    """
                             pro apd boa gra pyg pai dec wdn rvk
applyForRelief               apd it  it  it  it  it  it  it  it
applyAtCounter               apd it  it  it  it  it  it  it  it
sendReliefDocument           +   +   fc  fc  fc  fc  fc  fc  fc
sendReliefDocumentAtCounter  +   +   fc  fc  fc  fc  fc  fc  fc
removeReliefDocument         +   +   fc  fc  fc  fc  fc  fc  fc
correctReliefFacts           +   +   fc  fc  fc  fc  fc  fc  fc
withdrawReliefCase           wdn wdn wdn it  it  it  it  it  it
withdrawReliefCaseAtCounter  wdn wdn wdn it  it  it  it  it  it
referReliefCase              it  boa it  it  it  it  it  it  it
returnReliefCase             it  it  apd it  it  it  it  it  it
decideReliefCase:grant       it  it  pyg it  it  it  it  it  it
decideReliefCase:decline     it  it  dec it  it  it  it  it  it
requestReliefPayout          it  it  it  pyg it  it  it  it  it
payReliefCaseAgain           it  it  it  pyg it  it  it  it  it
revokeReliefGrant            it  it  it  rvk it  it  it  it  it
""",
)


HOUSEHOLDS = Table(
    "household",
    {"ope": "open", "due": "review_due", "exd": "exited"},
    {"he": "household-exited"},
    {
        "addHouseholdMember": Door("caseworker", {"relation": "child", "name": "张小小"}),
        "removeHouseholdMember": Door("caseworker"),
        "recordHouseholdSituation": Door("caseworker", {"situation": {"situation": "low_income"}}),
        "reviewHousehold": Door("caseworker", {"situation": {}, "notes": "情况未变"}),
        "exitHousehold": Door("caseworker", {"reason_code": "hardship-ended"}),
    },
    """
                             ope due exd
addHouseholdMember           +   +   he
removeHouseholdMember        +   +   he
recordHouseholdSituation     +   +   he
reviewHousehold              +   ope he
exitHousehold                exd exd he
""",
)


def _gift(_: Subject) -> dict[str, object]:
    return {
        "amount_fen": 100_000,
        "bank_reference": f"B{secrets.token_hex(8).upper()}",
        "received_on": business_day(system_now()).isoformat(),
    }


def _opening(fund: Subject) -> dict[str, object]:
    return {
        "person_id": fund.ids["person_id"],
        "fund_id": fund.id,
        "ground": "illness",
        "facts": {"net_self_pay_fen": 6_000_000},
    }


def _visit(fund: Subject) -> dict[str, object]:
    return {
        "client_ref": f"tablet-{secrets.token_hex(6)}",
        "person_id": fund.ids["person_id"],
        "visited_at": system_now().isoformat(),
        "notes": "到医院慰问",
        "grant": {"fund_id": fund.id, "kind": "condolence", "ground": "illness"},
    }


# A closed fund takes neither money nor new cases; what it has goes on.
FUNDS = Table(
    "relief_fund",
    {"ope": "open", "clo": "closed"},
    LEGEND | {"cl": "relief-fund-closed"},
    {
        "closeReliefFund": Door("administrator"),
        "reopenReliefFund": Door("administrator"),
        "contributeToReliefFund": Door("supervisor", _gift),
        "openReliefCase": Door("caseworker", _opening),
        "recordVisit": Door("caseworker", _visit),
        "draftReliefFormula": Door("administrator", lambda fund: formula(fund.more["code"])),
        "publishReliefFormula": Door("administrator"),
        "closeReliefFormula": Door("administrator"),
    },
    """
                             ope clo
closeReliefFund              clo it
reopenReliefFund             it  ope
contributeToReliefFund       +   cl
openReliefCase               +   cl
recordVisit                  +   cl
draftReliefFormula           +   +
publishReliefFormula         +   +
closeReliefFormula           +   +
""",
)


FORMULAS = Table(
    "relief_formula",
    {"dra": "draft", "pub": "published", "clo": "closed"},
    LEGEND,
    {
        "publishReliefFormula": Door("administrator"),
        "closeReliefFormula": Door("administrator"),
    },
    """
                             dra pub clo
publishReliefFormula         pub it  it
closeReliefFormula           it  clo it
""",
)
