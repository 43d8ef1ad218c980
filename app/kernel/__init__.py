"""What every feature stands on; no insurance words here."""
