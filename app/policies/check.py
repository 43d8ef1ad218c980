"""Checking a certificate: what anybody may know who holds one, as data and as a page."""

import html
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import valid_number
from app.kernel.principal import SYSTEM
from app.kernel.text import Language
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.names import mask_name
from app.plans import service as plans
from app.plans.schemas import WordsView
from app.policies import queries
from app.policies.certificate import last_day
from app.policies.errors import PolicyNotFound
from app.policies.reading import policy_state
from app.policies.schemas import CertificateCheck

STATES: dict[str, tuple[str, str]] = {
    "pending": ("待生效（等待实名核验）", "Waiting for the identity check"),
    "not_started": ("有效，尚未开始", "Valid, not started yet"),
    "in_force": ("有效，保障中", "Valid, in force"),
    "expired": ("已到期", "Expired"),
    "cancelled": ("已退保", "Cancelled"),
    "void": ("无效", "Void"),
}


async def check_certificate(
    session: AsyncSession, vault: Vault, number: str, now: datetime
) -> CertificateCheck:
    """That a certificate is genuine, its plan and dates, and its holder's masked name.

    Raises PolicyNotFound (404), also for a number whose check character is wrong,
    and for the certificate of somebody who has died.
    """
    policy = None
    if valid_number(number, "P"):
        policy = await queries.policy_by_number(session, number.upper())
    if policy is None:
        raise PolicyNotFound
    person = await session.get_one(Person, policy.person_id)
    if person.blocked_at is not None:
        raise PolicyNotFound
    name = ""
    if person.erased_at is None:
        name = str(vault.open("person", person.id, person.sealed).get("name", ""))
    await audit.record(
        session, SYSTEM, "certificate.check", subject="policy", subject_ids=[policy.id]
    )
    terms = (await plans.version_of(session, policy.plan_version_id)).terms
    return CertificateCheck(
        number=policy.number,
        holder=mask_name(name) or "*",
        plan_name=WordsView(zh=terms.name.zh, en=terms.name.en),
        shares=policy.shares,
        state=policy_state(policy.status, policy.starts_at, policy.ends_at, now),
        starts_on=business_day(policy.starts_at),
        ends_on=last_day(policy),
    )


_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<style>
body{{margin:0;background:#faf6f0;color:#2b2523;font:16px/1.6 system-ui,sans-serif}}
main{{max-width:30rem;margin:2rem auto;padding:1.5rem;background:#fffdf9;border:1px solid #e3d6bf;
border-top:4px solid #b3202c;border-radius:6px}}
h1{{margin:0 0 .25rem;font-size:1.25rem;color:#b3202c}}
dl{{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1rem;margin:1.25rem 0}}
dt{{color:#6b625f}}dd{{margin:0;font-weight:600}}p{{margin:.25rem 0;color:#6b625f;font-size:.9rem}}
</style></head><body><main><h1>{title}</h1><p>{subtitle}</p><dl>{rows}</dl>
<p>{foot}</p></main></body></html>
"""


def check_page(check: CertificateCheck, language: Language) -> str:
    """The answer as a small page; every value is escaped."""
    english = language == "en"
    rows = (
        ("No." if english else "凭证编号", check.number),
        ("State" if english else "状态", STATES[check.state][english]),
        ("Member" if english else "会员", check.holder),
        ("Plan" if english else "保障活动", getattr(check.plan_name, language)),
        ("Shares" if english else "份数", str(check.shares)),
        ("From" if english else "起", f"{check.starts_on.isoformat()} 00:00"),
        ("Until" if english else "止", f"{check.ends_on.isoformat()} 24:00"),
    )
    return _filled(
        language,
        "Certificate check" if english else "保障凭证核验",
        "This certificate is on our books." if english else "该凭证登记在册，信息如下。",
        "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in rows),
        "Times are Beijing time." if english else "时间为北京时间。",
    )


def not_found_page(language: Language) -> str:
    """Nobody has this number."""
    english = language == "en"
    return _filled(
        language,
        "No such certificate" if english else "未查到该凭证",
        "Compare the number with the certificate." if english else "请核对凭证编号，谨防假冒凭证。",
        "",
        "",
    )


def _filled(language: Language, title: str, subtitle: str, rows: str, foot: str) -> str:
    lang = "en" if language == "en" else "zh-CN"
    return _PAGE.format(lang=lang, title=title, subtitle=subtitle, rows=rows, foot=foot)
