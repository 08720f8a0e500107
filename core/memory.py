"""Peak memory of this process: what a run reports, so that larger ones can be planned."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path


def peak_memory() -> int:
    """Most memory that this process has had so far (resident set), in bytes; 0 if not known.

    Linux says it of the process itself. `getrusage` is the fallback: of a process that was started
    by another one it may tell of the other's.
    """
    with suppress(OSError):
        status = Path("/proc/self/status").read_text("utf-8")
        if found := re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE):
            return 1024 * int(found[1])
    try:
        import resource
    except ImportError:  # Windows
        return 0
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
