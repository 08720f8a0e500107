"""Peak memory: never below what there is now, and it does not fall again."""

from __future__ import annotations

import psutil

from crosshook.core.memory import peak_memory

LAG = 1 << 20
"""Bytes by which the kernel's counters of a process may disagree."""


def test_peak_rises_and_stays() -> None:
    block = b"x" * (1 << 26)
    now = psutil.Process().memory_info().rss
    peak = peak_memory()
    assert peak >= now - LAG
    assert peak >= len(block) // 2  # the machine may have put a part of it away
    del block
    assert peak_memory() >= peak - LAG
