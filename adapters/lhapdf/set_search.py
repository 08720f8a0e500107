"""Finds the folder of an LHAPDF6 set by path or by name."""

import os
from pathlib import Path

from crosshook.core.errors import ConfigurationError

SHIPPED = Path(__file__).parent / "sets"
PATH_VARIABLE = "LHAPDF_DATA_PATH"


def search_folders() -> list[Path]:
    """Folders looked through for a set's name: the shipped sets, then LHAPDF_DATA_PATH."""
    listed = os.environ.get(PATH_VARIABLE, "").split(os.pathsep)
    return [SHIPPED, *(Path(folder) for folder in listed if folder)]


def available_sets() -> list[str]:
    """Names of the sets that can be loaded by name, sorted."""
    return sorted(
        {
            info.stem
            for folder in search_folders()
            for info in folder.glob("*/*.info")
            if info.stem == info.parent.name
        }
    )


def find_set(name_or_path: str | Path) -> Path:
    """Returns a set's folder, which holds ``NAME.info`` and has the name ``NAME``.

    Args:
        name_or_path: A name, looked for in the shipped sets and in LHAPDF_DATA_PATH, or a path to
            the folder or to its .info file.

    Raises:
        ConfigurationError: If there is none; says where was looked and which sets are there.
    """
    given = Path(name_or_path)
    folder = given.parent if given.suffix == ".info" else given
    looked = [folder] if folder.parts[1:] or folder.is_absolute() else []
    if str(name_or_path) and not looked:
        looked = [*(base / folder for base in search_folders()), folder]
    for candidate in looked:
        candidate = candidate.resolve()
        if (candidate / f"{candidate.name}.info").is_file():
            return candidate
    message = (
        f"parton density set '{name_or_path}': not found; looked for its .info file in "
        f"{', '.join(str(place) for place in looked) or 'no folder'}; sets found by name: "
        f"{', '.join(available_sets()) or 'none'} (folders of sets are named in {PATH_VARIABLE})"
    )
    raise ConfigurationError(message)
