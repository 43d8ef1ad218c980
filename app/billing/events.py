"""Facts about orders and money, and the names of billing's jobs."""

ORDER_OPENED = "order.opened"
ORDER_PAID = "order.paid"
ORDER_CLOSED = "order.closed"
ORDER_SUSPENDED = "order.suspended"
ORDER_REFUNDING = "order.refunding"
ORDER_REFUNDED = "order.refunded"
REFUND_REJECTED = "refund.rejected"
# Money is owed and there is nowhere to send it to: the member has to name an account.
REFUND_WAITING = "refund.waiting"
REFUND_WITHDRAWN = "refund.withdrawn"
# Somebody must look: the gateway told us something that cannot be right.
PAYMENT_ALERT = "payment.alert"

CLOSE_ORDER = "billing.close_order"
CLOSE_ATTEMPT = "billing.close_attempt"
REQUEST_REFUND = "billing.request_refund"
PAY_BACK = "billing.pay_back"
PAY_BACK_WAITING = "billing.pay_back_waiting"
PAYOUT_SETTLED = "billing.payout_settled"
RETURN_DEPOSITS = "billing.return_deposits"
RECONCILE = "billing.reconcile"
