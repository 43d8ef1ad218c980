"""The outside systems: one Protocol and one HTTP client each, no database, no insurance words."""
