"""Unfolders."""
