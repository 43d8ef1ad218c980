"""Incident, claim, its documents and facts, decision."""
