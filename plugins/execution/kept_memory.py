"""Memory of a worker that is kept for the next block, rather than given back and asked for again.

glibc gives large arrays back at once. What it asks for anew is zeroed page by page by the kernel: a tenth
of the processor time of a block, more where two workers ask at the same time.
"""

from __future__ import annotations

import ctypes
from typing import Final

TRIM, TOP_PAD, MMAP, ARENAS = -1, -2, -3, -8
"""Parameters of `mallopt`, as in glibc's malloc.h."""
KEPT: Final = ((MMAP, 1 << 30), (TRIM, (1 << 31) - 1), (TOP_PAD, 1 << 26), (ARENAS, 1))
"""All threads share one heap, which grows by 64 MiB; arrays below 1 GiB come from it."""


def keep_memory() -> bool:
    """Has this process keep what it frees.

    Its peak is what it would be, and stays. Variables like `MALLOC_TRIM_THRESHOLD_` are overruled.

    Returns:
        Whether it could; other libraries than glibc are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return all(mallopt(parameter, value) == 1 for parameter, value in KEPT)
