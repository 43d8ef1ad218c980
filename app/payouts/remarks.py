"""What the payee reads on the statement."""

from app.payouts.models import Payout

BENEFIT = "红伞互助金"
REFUND = "互助费退还"
RELIEF = "红伞救助金"


def remark_of(payout: Payout) -> str:
    """By what the money is for."""
    if payout.refund_id is not None:
        return REFUND
    return RELIEF if payout.relief_case_id is not None else BENEFIT
