"""Persons, members, consents, identity checks, and who enrolled whom."""
