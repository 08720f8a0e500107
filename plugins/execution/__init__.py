"""Executors over several processes, here or on a cluster."""
