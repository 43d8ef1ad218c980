"""Money out: one live payout per claim, sent once, asked about until known."""
