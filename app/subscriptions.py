"""Which job hears which event, on one page: event name → job names."""

from app.members.events import IDENTITY_PASSED
from app.policies.events import ACTIVATE_PENDING, POLICY_ACTIVATED
from app.rosters.events import FOLLOW_ACTIVATION, ROSTER_IDENTITY_PASSED

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    IDENTITY_PASSED: (ACTIVATE_PENDING, ROSTER_IDENTITY_PASSED),
    POLICY_ACTIVATED: (FOLLOW_ACTIVATION,),
}
