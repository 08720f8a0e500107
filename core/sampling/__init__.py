"""Sampling: one place composes the weight of a point, one sums it, one draws it for training."""
