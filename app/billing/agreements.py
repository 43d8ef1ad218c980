"""Payment agreements of members: asked for, looked at, ended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import contact_of
from app.billing import agreement_queries as found
from app.billing.agreement_models import AGREEMENT, CONFIRM_WITHIN, PaymentAgreement
from app.billing.agreement_schemas import RenewalAgreementView
from app.billing.contracts import ask_about_agreement, end
from app.billing.errors import (
    AgreementExists,
    AgreementNotFound,
    AlreadyRenewed,
    PaymentRefused,
    RenewalNotOffered,
    WeChatLoginNeeded,
)
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.wechat_pay import ContractRequest, ContractSigning, WeChatPay
from app.kernel import audit
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.idempotency import Claim
from app.kernel.ids import new_id, new_number
from app.kernel.principal import Principal
from app.kernel.problems import Unavailable
from app.kernel.transitions import begin
from app.kernel.vault import Vault
from app.plans import service as plans
from app.policies.finding import policy_within_reach
from app.policies.models import Policy
from app.policies.recording import locked_policy

log = structlog.get_logger("billing")

AGREEMENTS_PATH = "/v1/gateway/wechat-pay/agreements"
TABLE = "payment_agreement"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the gateway is asked for; everything it takes was read in the transaction."""

    agreement_id: UUID
    request: ContractRequest


async def request_agreement(
    database: Database,
    claim: Claim,
    gateway: WeChatPay,
    member: Principal,
    policy_id: UUID,
    most_fen: int,
) -> bytes:
    """Two transactions around the gateway's answer; the view as JSON, stored under the key.

    What was interrupted is asked for again under the same code, which gives the same page.
    Raises PolicyNotFound (404), RenewalNotOffered, AlreadyRenewed, AgreementExists,
    WeChatLoginNeeded, PaymentRefused (409), Unavailable (503) when the gateway does not
    answer, and as `payments.start_payment` about the key.
    """
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        asked = await _record(session, database, claim.vault, member, policy_id, most_fen)
        await keyed.begin()
    signing = await _ask(database, claim.vault, gateway, asked)
    async with database.transaction() as session:
        keyed = await claim.hold(session)
        agreement = await found.locked_agreement(session, asked.agreement_id)
        _keep(claim.vault, agreement, {"app_id": signing.appid, "path": signing.path})
        content = view_of(claim.vault, agreement).model_dump_json().encode()
        await keyed.store(201, content)
    return content


async def _record(
    session: AsyncSession,
    database: Database,
    vault: Vault,
    member: Principal,
    policy_id: UUID,
    most_fen: int,
) -> _Asked:
    policy = await _renewable(session, member, policy_id)
    _, openid = await contact_of(session, vault, member.id)
    if openid is None:
        raise WeChatLoginNeeded
    now = await business_now(session, sandbox=database.settings.sandbox)
    first_id = await found.first_of_chain(session, policy.id)
    agreement = await _to_go_on_with(session, member, first_id, most_fen, now)
    if agreement is None:
        agreement = _new(vault, member, policy, first_id, most_fen, openid, now)
        begin(session, AGREEMENT, agreement, actor=member, at=now)
        await session.flush()
        await audit.record(
            session, member, "payment_agreement.request", subject=TABLE, subject_ids=[agreement.id]
        )
    request = ContractRequest(
        contract_code=agreement.contract_code,
        openid=vault.open(TABLE, agreement.id, agreement.sealed)["openid"],
        # Shown at WeChat: the policy's number says enough, and names nobody.
        display_account=policy.number,
        notify_url=database.settings.public_base_url.rstrip("/") + AGREEMENTS_PATH,
    )
    return _Asked(agreement.id, request)


async def _renewable(session: AsyncSession, member: Principal, policy_id: UUID) -> Policy:
    """The member's policy, locked, whose plan renews automatically and which goes on in none."""
    mine = await policy_within_reach(session, member, policy_id)
    policy = await locked_policy(session, mine.id)
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    automatic = "automatic" in terms.renewal.modes and policy.channel != "roster"
    if not automatic or policy.status != "in_force":
        raise RenewalNotOffered
    if await found.follower_of(session, policy.id) is not None:
        raise AlreadyRenewed
    return policy


async def _to_go_on_with(
    session: AsyncSession, member: Principal, first_id: UUID, most_fen: int, now: datetime
) -> PaymentAgreement | None:
    """The request that waits already for the very same; another one is given up for it."""
    newest = await found.newest_agreement(session, first_id)
    if newest is None or newest.status == "ended":
        return None
    agreement = await found.locked_agreement(session, newest.id)
    await session.refresh(agreement)
    if agreement.status == "active":
        raise AgreementExists
    same = agreement.account_id == member.id and agreement.most_fen == most_fen
    if agreement.status == "requested" and same and agreement.confirm_before > system_now():
        return agreement
    if agreement.status == "requested":
        await end(session, agreement, "replaced", actor=member, now=now)
    return None


def _new(
    vault: Vault,
    member: Principal,
    policy: Policy,
    first_id: UUID,
    most_fen: int,
    openid: str,
    now: datetime,
) -> PaymentAgreement:
    agreement_id = new_id()
    return PaymentAgreement(
        id=agreement_id,
        account_id=member.id,
        person_id=policy.person_id,
        plan_code=policy.plan_code,
        first_policy_id=first_id,
        contract_code=new_number("A"),
        most_fen=most_fen,
        status="requested",
        sealed=vault.seal(TABLE, agreement_id, {"openid": openid}),
        requested_at=now,
        confirm_before=system_now() + CONFIRM_WITHIN,
    )


def _keep(vault: Vault, agreement: PaymentAgreement, more: dict[str, str]) -> None:
    record = vault.open(TABLE, agreement.id, agreement.sealed)
    agreement.sealed = vault.seal(TABLE, agreement.id, record | more)


async def _ask(
    database: Database, vault: Vault, gateway: WeChatPay, asked: _Asked
) -> ContractSigning:
    """Ask for the page on which the member confirms; no transaction is open here."""
    try:
        return await gateway.request_contract(asked.request)
    except (Unreachable, OutcomeUnknown) as error:
        log.warning("agreement unanswered", error=type(error).__name__)
        raise Unavailable from error
    except Refused as error:
        log.warning("agreement refused", code=error.code)
        # CONTRACT_EXISTED: it was confirmed meanwhile, and the query says so.
        await ask_about_agreement(database, vault, gateway, asked.request.contract_code)
        raise PaymentRefused from error


async def show_agreement(
    database: Database, vault: Vault, gateway: WeChatPay, member: Principal, policy_id: UUID
) -> RenewalAgreementView:
    """The newest agreement of the policy's chain; while it waits, the gateway is asked first.

    Raises PolicyNotFound, AgreementNotFound (404).
    """
    async with database.transaction() as session:
        agreement = await _newest(session, member, policy_id)
    if agreement.status == "requested":
        await ask_about_agreement(database, vault, gateway, agreement.contract_code)
    async with database.transaction() as session:
        return view_of(vault, await _newest(session, member, policy_id))


async def end_by_member(
    session: AsyncSession, member: Principal, policy_id: UUID, now: datetime
) -> None:
    """End the agreement; the worker tells the gateway. Again it changes nothing.

    Raises PolicyNotFound, AgreementNotFound (404).
    """
    newest = await _newest(session, member, policy_id)
    agreement = await found.locked_agreement(session, newest.id)
    await session.refresh(agreement)
    if agreement.status != "ended":
        await end(session, agreement, "member", actor=member, now=now)


async def _newest(session: AsyncSession, member: Principal, policy_id: UUID) -> PaymentAgreement:
    policy = await policy_within_reach(session, member, policy_id)
    agreement = await found.newest_agreement(
        session, await found.first_of_chain(session, policy.id)
    )
    if agreement is None:
        raise AgreementNotFound
    return agreement


def view_of(vault: Vault, agreement: PaymentAgreement) -> RenewalAgreementView:
    """The agreement as its member sees it: neither openid nor the gateway's contract id."""
    record = vault.open(TABLE, agreement.id, agreement.sealed)
    waiting = agreement.status == "requested" and "path" in record
    return RenewalAgreementView.model_validate(
        {
            "id": agreement.id,
            "plan_code": agreement.plan_code,
            "status": agreement.status,
            "most_fen": agreement.most_fen,
            "requested_at": agreement.requested_at,
            "confirm_before": agreement.confirm_before,
            "signed_at": agreement.signed_at,
            "ended_at": agreement.ended_at,
            "ended_because": agreement.ended_because,
            "signing": {"app_id": record["app_id"], "path": record["path"]} if waiting else None,
        }
    )
