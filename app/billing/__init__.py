"""Billing: contribution orders, payment attempts, gateway notices and refunds."""
