"""Amplitude surrogate `invariants`: a network on logarithms of invariants, times an ansatz."""
