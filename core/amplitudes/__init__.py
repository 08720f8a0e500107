"""Amplitudes of any generator as a process: one thin class per source, the rest is shared."""
