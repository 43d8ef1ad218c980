"""What each door does with a claim in each status: app/claims and decision 0013, in one table."""

from tests.claims.bereaved import Somebody
from tests.claims.factories import receipt_body
from tests.walks.claims_world import card, paper
from tests.walks.walk import Door, Subject, Table

HEADS = {
    "dra": "draft",
    "sub": "submitted",
    "rev": "under_review",
    "wai": "waiting_for_member",
    "sec": "awaiting_second_approval",
    "app": "approved",
    "pyg": "paying",
    "pai": "paid",
    "den": "denied",
    "apl": "appealed",
    "reo": "reopened",
    "wdn": "withdrawn",
}
LEGEND = {
    "dc": "documents-closed",
    "it": "invalid-transition",
    "da": "decided-already",
    "nr": "not-reviewable",
    "ln": "lease-needed",
    "nd": "not-decided",
    "ab": "appealed-before",
    "pl": "payout-live",
    "nu": "nothing-to-uphold",
    "nc": "nothing-to-check",
    "ns": "not-for-survivors",
    "nf": "claimant-not-found",
    "nm": "nothing-to-come",
    "na": "no-decision-awaited",
}
# Held by its reviewer in `rev`, where all papers are accepted and all signals judged, and in
# `wai`, where a paper that went back has come again.
CELLS = """
                           dra sub rev wai sec app pyg pai den apl reo wdn
giveClaimFacts             +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
addClaimReceipt            +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
takeBackClaimReceipt       +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
openClaimUpload            +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
finishClaimUpload          +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
sendClaimDocument          +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
takeBackClaimDocument      +   dc  dc  +   dc  dc  dc  dc  dc  dc  dc  dc
submitClaim                sub =   =   sub it  it  it  it  it  it  it  it
withdrawClaim              wdn wdn wdn wdn it  da  da  da  da  da  da  it
requestClaimPayout         it  it  it  it  it  pyg pl  it  it  it  it  it
chooseClaimAccount         +   +   +   +   +   +   pl  nm  nm  +   +   nm
appealClaim                nd  nd  nd  nd  nd  nd  nd  apl apl ab  nd  nd
giveReceivedFacts          +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
addReceivedReceipt         +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
takeBackReceivedReceipt    +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
openReceivedUpload         +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
finishReceivedUpload       +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
sendReceivedDocument       +   dc  dc  +   dc  dc  dc  dc  dc  +   dc  dc
submitReceivedClaim        sub =   =   sub it  it  it  it  it  it  it  it
appealClaimForMember       nd  nd  nd  nd  nd  nd  nd  apl apl ab  nd  nd
leaseClaim                 nr  rev +   +   nr  nr  nr  nr  nr  rev rev nr
releaseClaim               ln  ln  sub +   ln  ln  ln  ln  ln  ln  ln  ln
releaseClaim:supervisor    =   =   sub +   =   =   =   =   =   =   =   =
correctClaimFacts          nr  ln  +   +   nr  nr  nr  nr  nr  ln  ln  nr
addReviewedReceipt         nr  ln  +   +   nr  nr  nr  nr  nr  ln  ln  nr
takeBackReviewedReceipt    nr  ln  +   +   nr  nr  nr  nr  nr  ln  ln  nr
acceptClaimDocument        nr  ln  =   +   nr  nr  nr  nr  nr  ln  ln  nr
returnClaimDocument        nr  ln  wai +   nr  nr  nr  nr  nr  ln  ln  nr
judgeClaimSignal           nr  ln  =   +   =   =   nr  nr  nr  ln  ln  nr
pauseClaimClock            nr  ln  +   nr  nr  nr  nr  nr  nr  ln  ln  nr
resumeClaimClock           =   =   =   =   =   =   =   =   =   =   =   =
markClaimHardship          +   +   +   +   +   na  na  na  na  +   +   na
markClaimHardship:same     =   =   =   =   =   =   =   =   =   =   =   =
handOverClaim              nr  ln  +   +   nr  nr  nr  nr  nr  ln  ln  nr
joinClaimIncident          nr  ln  +   nr  nr  nr  nr  nr  nr  ln  ln  nr
decideClaim:approve        nr  ln  pyg nr  nr  nr  nr  nr  nr  ln  ln  nr
decideClaim:deny           nr  ln  den nr  nr  nr  nr  nr  nr  ln  ln  nr
decideClaim:uphold         nr  ln  nu  nr  nr  nr  nr  nr  nr  ln  ln  nr
approveClaimSecond:agree   nr  nr  nr  nr  app nr  nr  nr  nr  nr  nr  nr
approveClaimSecond:return  nr  nr  nr  nr  sub nr  nr  nr  nr  nr  nr  nr
reissuePayoutOfClaim       it  it  it  it  it  pyg pl  it  it  it  it  it
reopenClaim                nd  nd  nd  nd  nd  nd  nd  reo reo nd  nd  nd
checkClaimAfterwards       nc  nc  nc  nc  nc  nc  nc  nc  nc  nc  nc  nc
enterClaimants             ns  ns  ns  ns  ns  ns  ns  ns  ns  ns  ns  ns
recordClaimantAccount      nf  nf  nf  nf  nf  nf  nf  nf  nf  nf  nf  nf
proveClaimantKinship       nr  ln  nr  nr  nr  nr  nr  nr  nr  ln  ln  nr
"""
FACTS = {"facts": {"self_pay_fen": 900_000}}
APPEAL = {"text": "请重新核定"}
UPLOAD = {"kind": "medical_record", "bytes": 900}
APPROVAL = {"verdict": "approve", "facts": {"self_pay_fen": 1_000_000, "hospital_grade": 2}}


def _receipt(_: Subject) -> dict[str, object]:
    return receipt_body()


DOORS = {
    "giveClaimFacts": Door("member", FACTS),
    "addClaimReceipt": Door("member", _receipt),
    "takeBackClaimReceipt": Door("member"),
    "openClaimUpload": Door("member", UPLOAD),
    "finishClaimUpload": Door("member"),
    "sendClaimDocument": Door("member", form=paper),
    "takeBackClaimDocument": Door("member"),
    "submitClaim": Door("member"),
    "withdrawClaim": Door("member"),
    "requestClaimPayout": Door("member"),
    "chooseClaimAccount": Door("member", {"payout_account_id": None}),
    "appealClaim": Door("member", APPEAL),
    "giveReceivedFacts": Door("caseworker", FACTS),
    "addReceivedReceipt": Door("caseworker", _receipt),
    "takeBackReceivedReceipt": Door("caseworker"),
    "openReceivedUpload": Door("caseworker", UPLOAD),
    "finishReceivedUpload": Door("caseworker"),
    "sendReceivedDocument": Door("caseworker", form=paper),
    "submitReceivedClaim": Door("caseworker"),
    "appealClaimForMember": Door("caseworker", APPEAL),
    "leaseClaim": Door("reviewer"),
    "releaseClaim": Door("reviewer"),
    "releaseClaim:supervisor": Door("supervisor"),
    "correctClaimFacts": Door("reviewer", FACTS | {"reason_code": "as-on-document"}),
    "addReviewedReceipt": Door("reviewer", _receipt),
    "takeBackReviewedReceipt": Door("reviewer"),
    "acceptClaimDocument": Door("reviewer"),
    "returnClaimDocument": Door("reviewer", {"reason_code": "unreadable"}),
    "judgeClaimSignal": Door("reviewer", {"verdict": "harmless", "note": "已核实"}),
    "pauseClaimClock": Door("reviewer", {"reason_code": "hospital-asked"}),
    "resumeClaimClock": Door("reviewer"),
    "markClaimHardship": Door("caseworker", {"hardship": True}),
    "markClaimHardship:same": Door("caseworker", {"hardship": False}),
    "handOverClaim": Door("reviewer", lambda claim: {"to_staff_id": claim.ids["colleague"]}),
    "joinClaimIncident": Door("reviewer", lambda claim: {"claim_id": claim.ids["other"]}),
    "decideClaim:approve": Door("reviewer", APPROVAL),
    "decideClaim:deny": Door("reviewer", {"verdict": "deny", "reason_code": "not-an-accident"}),
    "decideClaim:uphold": Door("reviewer", {"verdict": "uphold", "note": "维持"}),
    "approveClaimSecond:agree": Door("supervisor", {"verdict": "approve"}),
    "approveClaimSecond:return": Door("supervisor", {"verdict": "return", "note": "请复核"}),
    "reissuePayoutOfClaim": Door("supervisor"),
    "reopenClaim": Door("supervisor", {"reason_code": "new-evidence", "note": "补交结算单"}),
    "checkClaimAfterwards": Door("reviewer", {"verdict": "confirm"}),
    "enterClaimants": Door(
        "caseworker", lambda _: {"claimants": [Somebody("王梅").claimant(share_percent=100)]}
    ),
    "recordClaimantAccount": Door("caseworker", lambda _: card()),
    "proveClaimantKinship": Door("reviewer", lambda claim: {"document_id": claim.id}),
}
CLAIMS = Table("claim", HEADS, LEGEND, DOORS, CELLS)
PAPERS = Table(
    "claim_document",
    {"wai": "waiting", "acc": "accepted", "ret": "returned", "rep": "replaced"},
    {"it": "invalid-transition", "nf": "claim-document-not-found"},
    {
        "takeBackClaimDocument": Door("member"),
        "acceptClaimDocument": Door("reviewer"),
        "returnClaimDocument": Door("reviewer", {"reason_code": "unreadable"}),
    },
    """
                           wai acc ret rep
takeBackClaimDocument      rep rep rep nf
acceptClaimDocument        acc =   acc it
returnClaimDocument        ret ret it  it
""",
)
