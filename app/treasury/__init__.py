"""The municipal office's money: reconciliation with gateway and bank, and the month's end."""
