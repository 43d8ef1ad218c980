"""Facts about payouts, and the names of their jobs."""

PAYOUT_REQUESTED = "payout.requested"
PAYOUT_WAITING = "payout.waiting_confirm"
PAYOUT_PAID = "payout.paid"
PAYOUT_FAILED = "payout.failed"
ACCOUNT_RECORDED = "payout.account_recorded"

SEND = "payouts.send"
ASK = "payouts.ask"
POLL = "payouts.poll"
TELL_WAITING = "payouts.tell_waiting"
