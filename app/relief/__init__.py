"""Second-tier help: funds with a formula and a board, households, proposals, visits."""
