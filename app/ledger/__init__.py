"""The ledger: double entry in fen, balanced at every commit, append-only."""
