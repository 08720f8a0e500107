"""Unfolding: truth distributions from measured ones, with their uncertainties and their limits."""
