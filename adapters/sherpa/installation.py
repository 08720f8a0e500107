"""Where Sherpa is, and the environment it needs.

The wheel `sherpa-mc` of PyPI keeps program, libraries and parton densities in folders of its own;
they are found from the place of the program.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "SHERPA-MC"
"""Folder of the wheel below lib64/ and share/."""
LIBRARIES = "LD_LIBRARY_PATH"
DENSITIES = "LHAPDF_DATA_PATH"


def find_binary(name: str) -> Path:
    """The program.

    Args:
        name: on the PATH, or a path.

    Raises:
        ConfigurationError: if it is not there or is no program.
    """
    found = shutil.which(name)
    if found is not None:
        return Path(found).absolute()
    path = Path(name).expanduser()
    if path.is_file():
        if path.name == name and os.sep not in name:
            message = f"{name!r} is no program on the PATH; write ./{name} for the file here"
        else:
            message = f"{path}: may not be executed; chmod +x {path}"
    elif os.sep in name:
        message = f"{path}: there is no such program"
    else:
        message = (
            f"no program {name!r} on the PATH; install Sherpa 3 (e.g. pip install sherpa-mc), or give "
            "the path of its binary in generator.options.binary"
        )
    raise ConfigurationError(message)


def surroundings(binary: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment for Sherpa: the user's, what the wheel's layout needs, what was given.

    Args:
        binary: the program.
        given: variables of the run file; they replace all others of their name.
    """
    found = dict(os.environ)
    for home in (binary.parent.parent, binary.resolve().parent.parent):
        libraries, share = home / "lib64" / NAME, home / "share" / NAME
        if libraries.is_dir():
            found[LIBRARIES] = _before(found.get(LIBRARIES), home / "lib64", libraries)
        if share.is_dir():
            found[DENSITIES] = _behind(found.get(DENSITIES), share, share / "LHAPDF")
        if libraries.is_dir() or share.is_dir():
            break
    return found | dict(given)


def _before(value: str | None, *paths: Path) -> str:
    return os.pathsep.join([*map(str, paths), *([value] if value else [])])


def _behind(value: str | None, *paths: Path) -> str:
    return os.pathsep.join([*([value] if value else []), *map(str, paths)])
