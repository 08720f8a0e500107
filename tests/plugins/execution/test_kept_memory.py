"""Memory that workers keep: arrays that come and go cost no new pages."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from crosshook.plugins.execution.kept_memory import keep_memory

assert keep_memory()

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def come_and_go():
    for length in (50_000, 1_000_000, 8_000_000):
        one = np.ones(length)
        two = one + 1

come_and_go()
before = pages()
come_and_go()
print(pages() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another library than glibc")
def test_arrays_come_from_memory_that_is_there() -> None:
    """Two arrays of 64 MB alone are 31,250 pages when they are asked for anew."""
    kept = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(kept.stdout) < 1000


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from crosshook.plugins.execution import kept_memory

    monkeypatch.setattr(kept_memory.ctypes, "CDLL", lambda name: object())
    assert not kept_memory.keep_memory()
