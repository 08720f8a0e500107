"""Channel weights that follow the process's own proposal."""
