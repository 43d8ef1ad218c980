"""Plans that a unit joins as a whole: which riders a roster may give them to.

A roster is a partner's list and no unit that joins: it says neither how many people the unit
has nor who of them agrees. So a rider of a unit is given such a plan on the terms on which
they could order it: after the unit has joined, with the unit's shares. The unit is the one of
the row's site, not of what is known of the person: a partner learns nothing from the answer.
"""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from app.billing.group_rules import shares_of_units, unit_faults
from app.rosters.terms import Offer
from app.rosters.validation import RowError


async def unmet_in_units(
    connection: asyncpg.Connection, offer: Offer, places: Collection[UUID]
) -> dict[UUID, list[RowError]]:
    """The rules about units that riders of these organisations would not meet, by organisation."""
    rules = offer.terms.joining.group
    if rules is None or not places:
        return {}
    joined = await shares_of_units(connection, places, offer.terms.code)
    unmet: dict[UUID, list[RowError]] = {}
    for place in places:
        if place in joined:
            shares = joined[place]
            unmet[place] = [
                RowError(
                    fault.pointer.removeprefix("/") or "site",
                    fault.code,
                    fields=None if shares is None else {"shares": shares},
                )
                for fault in unit_faults(rules, shares, offer.agreement.shares)
            ]
        elif offer.terms.eligibility.unit_required:
            unmet[place] = [RowError("site", "unit-required")]
    return unmet
