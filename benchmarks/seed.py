"""The city that paths are measured in, but for its members: organisations, staff, plans, claims."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import asyncpg

from app.access.staff_accounts import create_staff
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM
from app.kernel.vault import Vault
from app.members.codes import new_code
from app.plans import catalogue

AGENCIES = 10
SITES_EACH = 5
PLAN = "RIDER-ACC"
SECOND_PLAN = "CQ-2015-HA"


@dataclass
class Seeded:
    """Ids that paths need; `members` are (account id, person id) of some of the people."""

    office_id: UUID
    agency_ids: list[UUID]
    site_ids: list[UUID]
    staff_ids: dict[str, UUID] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    members: list[tuple[UUID, UUID]] = field(default_factory=list)
    population: int = 0
    claims: int = 0

    def numbered(self, count: int) -> int:
        """The first of `count` numbers for people that nobody has had yet."""
        first, self.population = self.population, self.population + count
        return first


async def organisations(owner: asyncpg.Pool) -> Seeded:
    """The municipal office, its agencies, their sites."""
    office = new_id()
    agencies = [new_id() for _ in range(AGENCIES)]
    rows: list[tuple[object, ...]] = [_node(office, None, "municipal_office", "市办事处", [])]
    sites: list[UUID] = []
    for number, agency in enumerate(agencies):
        rows.append(_node(agency, office, "agency", f"代办处{number}", [office]))
        for place in range(SITES_EACH):
            sites.append(site := new_id())
            rows.append(_node(site, agency, "site", f"站点{number}-{place}", [office, agency]))
    columns = (
        *("id", "parent_id", "kind", "name", "area_code", "lineage"),
        *("valid_from", "version", "created_at"),
    )
    await owner.copy_records_to_table("organisation", records=rows, columns=columns)
    return Seeded(office, agencies, sites)


def _node(
    node_id: UUID, parent: UUID | None, kind: str, name: str, above: list[UUID]
) -> tuple[object, ...]:
    lineage = [*above, node_id]
    return (node_id, parent, kind, name, "500103", lineage, date(2020, 1, 1), 1, system_now())


async def staff_and_plans(database: Database, vault: Vault, seeded: Seeded) -> None:
    """A reviewer at the first agency and one at the office, a caseworker, the catalogue."""
    now = system_now()
    accounts = {
        "agency_reviewer": (seeded.agency_ids[0], ["reviewer"]),
        "office_reviewer": (seeded.office_id, ["reviewer", "supervisor"]),
        "caseworker": (seeded.agency_ids[0], ["caseworker"]),
    }
    async with database.transaction() as session:
        for name, (organisation_id, roles) in accounts.items():
            account = await create_staff(
                session,
                vault,
                organisation_id=organisation_id,
                username=name.replace("_", "-"),
                display_name=name,
                roles=roles,
                password_hash="unusable",
                totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                actor=SYSTEM,
                now=now,
                initial=False,
            )
            seeded.staff_ids[name] = account.id
        await catalogue.load(session, now)


async def enrolment_codes(owner: asyncpg.Pool, seeded: Seeded, count: int = 1_000) -> None:
    """Codes spread over the sites."""
    now = system_now()
    seeded.codes = [new_code() for _ in range(count)]
    rows = [
        (
            *(new_id(), code, seeded.site_ids[number % len(seeded.site_ids)]),
            *([PLAN], now + timedelta(days=300), seeded.staff_ids["caseworker"], now),
        )
        for number, code in enumerate(seeded.codes)
    ]
    columns = (
        *("id", "code", "organisation_id", "plan_codes", "expires_at", "created_by", "created_at"),
    )
    await owner.copy_records_to_table("enrolment_code", records=rows, columns=columns)


# One incident per person, claims spread over people, sites and the last sixty days. The
# trigger that keeps the queue is off meanwhile: the queue is filled by one statement.
_CLAIMS = (
    "alter table claim disable trigger user",
    """
    insert into incident (id, person_id, cause, occurred_at, sealed)
    select gen_random_uuid(), person_id, 'accident', $1::timestamptz - interval '62 days', '\\x00'
    from policy where plan_code = $2 order by id limit $3
    """,
    """
    with covered as materialized (
      select row_number() over (order by p.id) - 1 as at,
             p.id as policy_id, p.person_id, p.plan_version_id, p.organisation_id,
             i.id as incident_id, a.id as account_id
      from policy p join incident i using (person_id)
      join member_account a on a.person_id = p.person_id
      where p.plan_code = $2
    ), made as (
      select at, $1::timestamptz - interval '60 days' * random() as submitted_at
      from generate_series(0, $3 - 1) as at
    )
    insert into claim (id, number, incident_id, person_id, account_id, policy_id, plan_code,
      plan_version_id, benefit_code, status, managing_organisation_id, claimed_by_kind,
      claimed_by, opened_at, submitted_at, review_due_at, rank_at, round)
    select gen_random_uuid(), 'C' || lpad(made.at::text, 10, '0') || 'X', c.incident_id,
      c.person_id, c.account_id, c.policy_id, $2, c.plan_version_id, 'MED', 'submitted',
      c.organisation_id, 'member', c.account_id, made.submitted_at, made.submitted_at,
      made.submitted_at + interval '5 days', made.submitted_at + interval '5 days', 1
    from made join covered c on c.at = made.at % (select count(*) from covered)
    """,
    """
    insert into claim_queue (organisation_id, status, rank_at, claim_id)
    select above, c.status, c.rank_at, c.id
    from claim c join organisation o on o.id = c.managing_organisation_id, unnest(o.lineage) above
    order by 1, 2, 3, 4
    """,
    "alter table claim enable trigger user",
)


async def claims(owner: asyncpg.Pool, seeded: Seeded, count: int) -> None:
    """Submitted claims, waiting in the queues of site, agency and office."""
    arguments = {1: (system_now(), PLAN, 20_000), 2: (system_now(), PLAN, count)}
    async with owner.acquire() as connection, connection.transaction():
        for at, statement in enumerate(_CLAIMS):
            await connection.execute(statement, *arguments.get(at, ()), timeout=900)
    await owner.execute("vacuum analyze", timeout=600)
    seeded.claims = count
