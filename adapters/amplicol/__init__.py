"""Amplitudes generated with pyAmpliCol, from a process in words to a UMAMI library and a run file."""
