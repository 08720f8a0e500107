"""Peak memory: it rises by what is allocated and does not fall again."""

from __future__ import annotations

from crosshook.core.memory import peak_memory


def test_peak_rises_and_stays() -> None:
    taken = peak_memory()
    assert taken > 10**6
    block = b"x" * (2 * taken)
    peak = peak_memory()
    assert peak >= len(block)
    del block
    assert peak_memory() >= peak
