"""Which job hears which event, on one page: event name → job names."""

from app.members.events import IDENTITY_PASSED
from app.policies.events import ACTIVATE_PENDING

SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    IDENTITY_PASSED: (ACTIVATE_PENDING,),
}
