"""Policies: who is covered, for how many shares, from when to when, and the certificate."""
