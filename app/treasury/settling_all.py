"""Settling a whole day's differences of one cause in one act, above all the fees of a bill.

One transaction, so that the idempotency key stands for all of it: what was settled is what the
stored answer lists. A line that refuses has changed nothing and leaves the others alone. Ways
that send money out (`refund`) or take back what one person proposed (`keep_open`) stay acts on
one difference: somebody has to have looked at it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.principal import Principal
from app.kernel.problems import Problem
from app.plans.schemas import WordsView
from app.treasury import settling
from app.treasury.errors import RunUnknown
from app.treasury.models import ReconciliationItem, ReconciliationRun
from app.treasury.requesting import item_view
from app.treasury.running import UNSETTLED
from app.treasury.schemas import DaySettlementBody, DaySettlementView, RefusedLineView

# Of one request: the rest is settled by the next, under another key.
MOST = 500


async def settle_all(
    session: AsyncSession,
    supervisor: Principal,
    run_id: UUID,
    body: DaySettlementBody,
    now: datetime,
) -> DaySettlementView:
    """Take one way with every unsettled difference of one cause; raises RunUnknown (404).

    In the order in which they were found, as comparisons lock them.
    """
    if await session.get(ReconciliationRun, run_id) is None:
        raise RunUnknown
    waiting = (
        ReconciliationItem.run_id == run_id,
        ReconciliationItem.cause == body.cause,
        ReconciliationItem.status.in_(UNSETTLED),
    )
    ids = (
        await session.scalars(
            select(ReconciliationItem.id)
            .where(*waiting)
            .order_by(ReconciliationItem.id)
            .limit(MOST)
        )
    ).all()
    whole = await session.scalar(select(func.count()).where(*waiting)) or 0
    taken, refused = [], []
    for item_id in ids:
        try:
            item = await settling.settle(
                session, supervisor, run_id, item_id, body.way, body.note, now
            )
            taken.append(item_view(item))
        except Problem as problem:
            refused.append(_refused(item_id, problem))
    return DaySettlementView(
        run_id=run_id,
        cause=body.cause,
        way=body.way,
        taken=taken,
        taken_fen=sum(each.difference_fen for each in taken),
        refused=refused,
        left=max(0, whole - len(ids)),
    )


def _refused(item_id: UUID, problem: Problem) -> RefusedLineView:
    return RefusedLineView(
        id=item_id,
        code=problem.code,
        reason=WordsView(
            zh=problem.detail.in_language("zh", **problem.fields),
            en=problem.detail.in_language("en", **problem.fields),
        ),
        ways=problem.extensions.get("ways", []),
    )
