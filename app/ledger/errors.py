"""What the ledger refuses."""

from app.kernel.problems import Conflict, Problem
from app.kernel.text import Text


class AlreadyPosted(Conflict):
    code = "already-posted"
    title = Text("该笔款项已入账", "Already posted")
    detail = Text("同一笔业务只入账一次。", "The same fact is posted once only.")


class Unbalanced(ValueError):
    """The entries given do not sum to zero: a fault of the caller, never of a user."""


CONSTRAINTS: dict[str, type[Problem]] = {"uq_ledger_transaction__fact": AlreadyPosted}
