"""What Pythia is told, and how its binding is loaded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from crosshook.core.errors import ConfigurationError, ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SEED_MAX: Final = 900_000_000
RESERVED: Final = (
    "Beams:frametype",
    "Beams:LHEF",
    "Random:seed",
    "Random:setSeed",
    "Main:numberOfEvents",
)
"""Settings that are made here and not by the user."""
QUIET: Final = (
    "Print:quiet = on",
    "Next:numberShowEvent = 0",
    "Next:numberShowInfo = 0",
    "Next:numberShowProcess = 0",
    "SLHA:verbose = 0",
)


def load_library() -> tuple[Any, Any]:
    """The modules pythia8mc and pyhepmc.

    Raises:
        ConfigurationError: if one is not installed.
    """
    try:
        with warnings.catch_warnings():
            # SWIG's types have no __module__; Python says so when the library loads.
            warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
            import pythia8mc
        import pyhepmc
    except ImportError as error:
        message = (
            f"the shower needs pythia8mc and pyhepmc ({error.name or error} is missing): "
            "pip install pythia8mc pyhepmc (extra crosshook[shower])"
        )
        raise ConfigurationError(message) from error
    return pythia8mc, pyhepmc


def start_pythia(library: Any, path: Path, seed: int, settings: Iterable[str]) -> Any:
    """Pythia, ready to give its first event.

    Args:
        library: the module pythia8mc.
        path: of the events, an LHE file.
        seed: 1 to `SEED_MAX`.
        settings: as in Pythia's manual, `Name:key = value`.

    Raises:
        ConfigurationError: if a setting is unknown or not for the user.
        ProgramError: if Pythia does not start.
    """
    if not 1 <= seed <= SEED_MAX:
        message = f"seed {seed}: Pythia takes 1 to {SEED_MAX}"
        raise ConfigurationError(message)
    pythia = library.Pythia("", False)
    own = ("Random:setSeed = on", f"Random:seed = {seed}", "Beams:frameType = 4")
    for setting in (*QUIET, *own):
        pythia.readString(setting)
    # readString splits at blanks; a word keeps the path whole
    pythia.settings.word("Beams:LHEF", str(path))
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key.lower() in {name.lower() for name in RESERVED}:
            message = f"--set {setting}: {key} is set by crosshook"
            raise ConfigurationError(message)
        if not pythia.readString(setting):
            message = f"--set {setting}: Pythia does not know it; write 'Name:key = value'"
            raise ConfigurationError(message)
    if not pythia.init():
        message = f"{path}: Pythia does not start with these events and settings"
        raise ProgramError(message)
    return pythia
