"""The numbers of UMAMI's headers, which share version 1.0 and differ: December 2025, and 2026."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

Generation = Literal["2025", "2026"]
"""The header a library was made with; that of 2026 has `umami_supported_inputs`."""

SUCCESS: Final = 0
NOT_IMPLEMENTED: Final = 2
UNSUPPORTED_INPUT: Final = 3
UNSUPPORTED_OUTPUT: Final = 4

STATUS: Final[dict[Generation, tuple[str, ...]]] = {
    "2025": (
        "SUCCESS",
        "ERROR",
        "NOT_IMPLEMENTED",
        "UNSUPPORTED_INPUT",
        "UNSUPPORTED_OUTPUT",
        "UNSUPPORTED_META",
        "MISSING_INPUT",
    ),
    "2026": (
        "SUCCESS",
        "ERROR",
        "NOT_IMPLEMENTED",
        "UNSUPPORTED_INPUT",
        "UNSUPPORTED_OUTPUT",
        "UNINITIALIZED_META",
        "UNSUPPORTED_META",
        "MISSING_INPUT",
    ),
}


def status_name(status: int, generation: Generation) -> str:
    """A status in words, e.g. `MISSING_INPUT (status 6)`."""
    names = STATUS[generation]
    name = names[status] if 0 <= status < len(names) else "unknown"
    return f"{name} (status {status}, header of {generation})"


class Device(IntEnum):
    """Where a library computes."""

    CPU = 0
    CUDA = 1
    HIP = 2


class Meta(IntEnum):
    """What a library tells of itself."""

    DEVICE = 0
    PARTICLE_COUNT = 1
    DIAGRAM_COUNT = 2
    HELICITY_COUNT = 3
    COLOR_COUNT = 4
    MASSES = 5


class Input(IntEnum):
    """What a library takes. 8 is the GPU stream with the header of 2025."""

    MOMENTA = 0
    ALPHA_S = 1
    FLAVOR_INDEX = 2
    RANDOM_COLOR = 3
    RANDOM_HELICITY = 4
    RANDOM_DIAGRAM = 5
    HELICITY_INDEX = 6
    DIAGRAM_INDEX = 7
    CHANNEL_INDEX = 8


class Output(IntEnum):
    """What a library gives."""

    MATRIX_ELEMENT = 0
    DIAGRAM_AMP2 = 1
    COLOR_INDEX = 2
    HELICITY_INDEX = 3
    DIAGRAM_INDEX = 4
    GPU_STREAM = 5
