"""Which plans can be ordered by one look and one statement: nothing but the person decides."""

import time

import asyncpg

from app.plans.terms import PlanTerms
from app.plans.walking import names_in

# A plan published in these seconds may exclude an order of the same moment.
KEPT_SECONDS = 10.0

_RELATED = """
select distinct code from plan_version v
cross join lateral jsonb_array_elements_text(v.document -> 'relations' -> 'excludes') as e(code)
where v.status <> 'draft' and jsonb_typeof(v.document -> 'relations' -> 'excludes') = 'array'
"""


class Excluded:
    """The plans that some other plan excludes, as known in this process."""

    def __init__(self) -> None:
        self._codes: frozenset[str] = frozenset()
        self._until = 0.0

    async def has(self, reads: asyncpg.Pool, plan_code: str) -> bool:
        """Whether another plan cannot be held beside this one."""
        if time.monotonic() >= self._until:
            self._codes = frozenset(row["code"] for row in await reads.fetch(_RELATED))
            self._until = time.monotonic() + KEPT_SECONDS
        return plan_code in self._codes


excluded = Excluded()


def is_plain(terms: PlanTerms) -> bool:
    """Whether a person, the plan and its free shares are all that an order depends on."""
    known: bool | None = terms.programs.get("plain")
    if known is None:
        known = terms.programs["plain"] = _is_plain(terms)
    return known


def _is_plain(terms: PlanTerms) -> bool:
    relations, contribution = terms.relations, terms.contribution
    prices = [option.price for option in contribution.options]
    if contribution.late_price is not None:
        prices.append(contribution.late_price)
    return not (
        terms.gifted
        or relations.excludes
        or relations.requires
        or terms.joining.group is not None
        or terms.eligibility.unit_required
        or any(option.split or option.deposit is not None for option in contribution.options)
        or any(name == "unit_member" for price in prices for name in names_in(price))
    )
