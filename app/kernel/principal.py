"""Who is calling: the principal, the doors, and what a handler may demand of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from app.kernel.problems import Forbidden, Unauthenticated

Door = Literal["member", "staff", "partner"]
Role = Literal["caseworker", "reviewer", "supervisor", "auditor", "administrator"]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, or the system itself in jobs.

    `id` is the account's id: a member's login account, a staff account, a partner
    client's partner. `organisation_id` is where a staff account holds its roles, or
    the partner's managing organisation.
    """

    kind: Literal["member", "staff", "partner", "system"]
    id: UUID
    organisation_id: UUID | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    family_id: UUID | None = None

    @property
    def scope(self) -> str:
        """The idempotency and rate-limit scope of this caller."""
        return f"{self.kind}:{self.id}"


SYSTEM = Principal(kind="system", id=UUID(int=0))

Authenticate = Callable[[Request, Door], Awaitable[Principal]]

# Declared for the OpenAPI document; the check itself is `Authenticate`.
_SCHEMES: dict[Door, HTTPBearer] = {
    "member": HTTPBearer(scheme_name="member", bearerFormat="JWT", auto_error=False),
    "staff": HTTPBearer(scheme_name="staff", bearerFormat="JWT", auto_error=False),
    "partner": HTTPBearer(scheme_name="partner", bearerFormat="JWT", auto_error=False),
}


def require(door: Door, *roles: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency: a valid token of `door`, holding at least one of `roles` if any are named.

    Raises Unauthenticated (401) for a missing, forged, expired, revoked or wrong-door
    token, Forbidden (403) when the role is too small.
    """
    needed = frozenset(roles)

    async def principal(
        request: Request, _scheme: Annotated[object, Depends(_SCHEMES[door])]
    ) -> Principal:
        caller: Principal | None = getattr(request.state, "principal", None)
        if caller is None:
            authenticate: Authenticate = request.app.state.authenticate
            caller = await authenticate(request, door)
        if needed and not needed & caller.roles:
            raise Forbidden
        request.state.principal = caller
        return caller

    principal.door = door  # type: ignore[attr-defined]
    principal.roles = needed  # type: ignore[attr-defined]
    return principal


async def _logged_in(
    request: Request,
    _member: Annotated[object, Depends(_SCHEMES["member"])],
    _staff: Annotated[object, Depends(_SCHEMES["staff"])],
) -> Principal:
    authenticate: Authenticate = request.app.state.authenticate
    try:
        return await authenticate(request, "member")
    except Unauthenticated:
        return await authenticate(request, "staff")


_logged_in.door = "member"  # type: ignore[attr-defined]

# Whoever logged in as a person, member or staff; for routes without a body.
LoggedIn = Annotated[Principal, Depends(_logged_in)]
Member = Annotated[Principal, Depends(require("member"))]
Staff = Annotated[Principal, Depends(require("staff"))]
Caseworker = Annotated[Principal, Depends(require("staff", "caseworker", "supervisor"))]
Reviewer = Annotated[Principal, Depends(require("staff", "reviewer", "supervisor"))]
Supervisor = Annotated[Principal, Depends(require("staff", "supervisor"))]
Auditor = Annotated[Principal, Depends(require("staff", "auditor"))]
Administrator = Annotated[Principal, Depends(require("staff", "administrator"))]
Partner = Annotated[Principal, Depends(require("partner"))]
