"""Facts about the books."""

MONTH_CLOSED = "ledger.month_closed"
TRANSACTION_REVERSED = "ledger.transaction_reversed"
RECEIPT_RECORDED = "ledger.receipt_recorded"
