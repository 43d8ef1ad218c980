"""Plans: the catalogue, immutable versions, and what a benefit pays."""
