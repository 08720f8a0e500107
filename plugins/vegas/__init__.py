"""VEGAS: a separable grid per channel, adapted to the squared weights."""
