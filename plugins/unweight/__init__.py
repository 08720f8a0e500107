"""Unweighters."""
