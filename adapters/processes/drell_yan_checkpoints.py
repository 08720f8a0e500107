"""Stored |M|² of Drell-Yan that other programs computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

CHECKPOINTS: tuple[CheckPoint, ...] = ()
