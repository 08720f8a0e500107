"""Unfolder `omnifold`: classifiers on both levels, one file per idea."""
