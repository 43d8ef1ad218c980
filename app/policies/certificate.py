"""The certificate of cover as PDF or PNG: data and a template, typeset by typst."""

import asyncio
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.money import yuan
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.documents import mask_number
from app.members.models import Person
from app.plans import service as plans
from app.plans.benefits import Benefit
from app.plans.pricing import priced
from app.plans.terms import PlanTerms
from app.plans.walking import names_in
from app.policies import queries
from app.policies.errors import NoCertificate, PolicyNotFound
from app.policies.models import Policy
from app.policies.standing import Standing, standing_of
from app.settings import Settings

if TYPE_CHECKING:
    import typst

Kind = Literal["pdf", "png"]
TEMPLATE = Path(__file__).with_name("certificate.typ")
PIXELS_PER_INCH = 220.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that is printed; the document number is masked already."""

    number: str
    name: str
    document: str
    plan: str
    plan_code: str
    version: int
    shares: int
    layers: str
    starts_on: date
    ends_on: date
    issued_on: date
    benefits: tuple[tuple[str, str], ...]
    check_url: str
    issuer: str
    note: str


async def prepare(
    session: AsyncSession,
    vault: Vault,
    holder: Principal,
    policy_id: UUID,
    settings: Settings,
) -> Certificate:
    """Read what the certificate of one's own policy says, and record the reading.

    Raises PolicyNotFound (404), NoCertificate (409) for cover that is not in force.
    """
    policy = await queries.policy_of_account(session, holder.id, policy_id)
    if policy is None:
        raise PolicyNotFound
    if policy.status != "in_force":
        raise NoCertificate
    person = await session.get_one(Person, policy.person_id)
    await audit.record(
        session,
        holder,
        "certificate.read",
        subject="policy",
        subject_ids=[policy.id, person.id],
    )
    version = await plans.version_of(session, policy.plan_version_id)
    record = vault.open("person", person.id, person.sealed)
    terms = version.terms
    return Certificate(
        number=policy.number,
        name=str(record["name"]),
        document=mask_number(str(record.get("document_number") or "")),
        plan=terms.name.zh,
        plan_code=terms.code,
        version=version.number,
        shares=policy.shares,
        layers=_layers(policy, await standing_of(session, policy.id)),
        starts_on=business_day(policy.starts_at),
        ends_on=last_day(policy),
        issued_on=business_day(policy.issued_at),
        benefits=tuple(
            (benefit.name.zh, _most(terms, benefit, policy.shares)) for benefit in terms.benefits
        ),
        check_url=f"{settings.public_base_url.rstrip('/')}/certificates/{policy.number}",
        issuer=settings.issuer_name,
        note="；".join(words.zh for words in terms.source.demonstration[:1]),
    )


def _layers(policy: Policy, standing: Standing) -> str:
    """Since when shares count, where that is not the first day of all of them."""
    layers = standing.layers
    if all(layer.since_on == business_day(policy.starts_at) for layer in layers):
        return ""
    told = "、".join(f"{layer.shares} 份自 {layer.since_on.isoformat()}" for layer in layers)
    return f"（{told} 起计）"


def last_day(policy: Policy) -> date:
    """The last covered day: it ends at 24:00, which is 00:00 of the first day without."""
    return business_day(policy.ends_at - timedelta(microseconds=1))


def _most(terms: PlanTerms, benefit: Benefit, shares: int) -> str:
    """The most that a benefit pays in the term, where the plan fixes it for the shares held."""
    amounts = [
        found.amount_fen
        for at, limit in enumerate(benefit.limits)
        if limit.per in ("term", "lifetime")
        and not (
            found := priced(terms, f"limit:{benefit.code}:{at}", limit.max, {"shares": shares})
        ).missing
    ]
    amounts += _fixed(terms, benefit, shares)
    return f"最高 {yuan(min(amounts))} 元" if amounts else "按保障活动条款"


def _fixed(terms: PlanTerms, benefit: Benefit, shares: int) -> list[int]:
    """What the benefit pays if that depends on nothing but the shares."""
    if any(name != "shares" for name in names_in(benefit.pays)) or benefit.steps:
        return []
    return [priced(terms, f"pays:{benefit.code}", benefit.pays, {"shares": shares}).amount_fen]


# Each thread keeps a compiler of its own with the fonts read: a third of the time of a new one.
_typesetters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="typeset")
_of_thread = threading.local()


async def render(certificate: Certificate, kind: Kind) -> bytes:
    """Typeset in one of two threads; PDF, or one PNG page."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_typesetters, _typeset, certificate, kind)


def _typeset(certificate: Certificate, kind: Kind) -> bytes:
    compiler = getattr(_of_thread, "compiler", None)
    if compiler is None:
        compiler = _of_thread.compiler = _new_compiler()
    compiled = compiler.compile(format=kind, ppi=PIXELS_PER_INCH, sys_inputs=_inputs(certificate))
    assert isinstance(compiled, bytes)  # noqa: S101  the template has one page
    return compiled


def _new_compiler() -> "typst.Compiler":
    # Both are large and needed here only.
    import pylopdf_fonts_zh_cn
    import typst

    fonts = Path(str(pylopdf_fonts_zh_cn.sans_path())).parent
    return typst.Compiler(str(TEMPLATE), font_paths=[str(fonts)], ignore_system_fonts=True)


def _inputs(certificate: Certificate) -> dict[str, str]:
    """Data only: nothing of it is ever part of the template's text."""
    image = io.BytesIO()
    segno.make(certificate.check_url, error="m").save(
        image, kind="svg", border=0, xmldecl=False, dark="#2b2523"
    )
    benefits = [{"name": name, "amount": amount} for name, amount in certificate.benefits]
    return {
        "number": certificate.number,
        "name": certificate.name,
        "document": certificate.document,
        "plan": certificate.plan,
        "plan_code": certificate.plan_code,
        "version": str(certificate.version),
        "shares": str(certificate.shares),
        "layers": certificate.layers,
        "starts_on": certificate.starts_on.isoformat(),
        "ends_on": certificate.ends_on.isoformat(),
        "issued_on": certificate.issued_on.isoformat(),
        "benefits": json.dumps(benefits, ensure_ascii=False),
        "qr": image.getvalue().decode(),
        "issuer": certificate.issuer,
        "note": f"演示参数：{certificate.note}。" if certificate.note else "",
    }
