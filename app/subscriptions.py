"""Which job hears which event, on one page: event name → job names."""

from app.billing.events import PAY_BACK_WAITING, PAYOUT_SETTLED
from app.claims.events import PAY_WAITING, PAYOUT_HAS_FAILED, PAYOUT_WAS_PAID
from app.members.events import IDENTITY_PASSED
from app.payouts.events import ACCOUNT_RECORDED, PAYOUT_FAILED, PAYOUT_PAID
from app.policies.events import ACTIVATE_PENDING, POLICY_ACTIVATED
from app.rosters.events import FOLLOW_ACTIVATION, ROSTER_IDENTITY_PASSED

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    IDENTITY_PASSED: (ACTIVATE_PENDING, ROSTER_IDENTITY_PASSED),
    POLICY_ACTIVATED: (FOLLOW_ACTIVATION,),
    PAYOUT_PAID: (PAYOUT_WAS_PAID, PAYOUT_SETTLED),
    PAYOUT_FAILED: (PAYOUT_HAS_FAILED, PAYOUT_SETTLED),
    ACCOUNT_RECORDED: (PAY_WAITING, PAY_BACK_WAITING),
}
