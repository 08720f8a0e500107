"""Unweighters: points of different weights become events of one weight."""
