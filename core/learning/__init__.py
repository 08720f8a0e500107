"""Learning by gradient: one loop for channel mappings and channel weights that have parameters."""
