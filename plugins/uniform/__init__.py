"""The components that do nothing: the identity mapping and equal channel weights."""
