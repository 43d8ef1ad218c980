"""Facts about reconciliation, and the names of its jobs."""

DIFFERENCES_FOUND = "reconciliation.differences_found"
FUNDS_TRANSFERRED = "fund.transferred"
ITEM_SETTLED = "reconciliation.item_settled"

MORNING = "treasury.morning"
COMPARE = "treasury.compare"
ASK_ITEM = "treasury.ask_item"
REFUND_ITEM = "treasury.refund_item"
RECEIPT_CAME = "treasury.receipt_came"
BOOKING_REVERSED = "treasury.booking_reversed"
