"""Policies as their holder and staff may reach them; anything else is not there (404)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import system_now
from app.kernel.principal import Principal
from app.members.serving import may_serve
from app.policies import queries
from app.policies.errors import PolicyNotFound
from app.policies.models import Policy


async def policy_within_reach(session: AsyncSession, caller: Principal, policy_id: UUID) -> Policy:
    """A member's own policy, or one of a person whom a staff account manages or serves now.

    Raises PolicyNotFound (404).
    """
    if caller.kind == "member":
        own = await queries.policy_of_account(session, caller.id, policy_id)
        if own is None:
            raise PolicyNotFound
        return own
    policy = await queries.policy_by_id(session, policy_id)
    if policy is None or caller.kind != "staff":
        raise PolicyNotFound
    if not await may_serve(session, caller, policy.person_id, system_now()):
        raise PolicyNotFound
    return policy
