"""The tree of offices, units and sites; areas and their successors; partners."""
