"""Likelihood ratios learned from simulated events whose joint ratios and scores are known."""
