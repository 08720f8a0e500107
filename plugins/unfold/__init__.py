"""Unfolders: cells (`ibu`) here, classifiers and densities in folders of their own."""
