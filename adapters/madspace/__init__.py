"""madspace as a backend for phase space: its compiled maps along the same diagrams."""
