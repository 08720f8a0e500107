"""The environment pyAmpliCol lives in: it pins numpy exactly, so it cannot share crosshook's.

Made with the standard library's venv under the user's cache, or named by the user, who may keep a
licence of symbolica or another version there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import InputError, ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REQUIREMENT: Final = "pyamplicol==1.0.1"
VARIABLE: Final = "CROSSHOOK_PYAMPLICOL"
"""Environment variable that names a virtual environment with pyAmpliCol."""


def cache_folder() -> Path:
    """Where crosshook keeps what it can make again: `$XDG_CACHE_HOME/crosshook`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "crosshook"


@dataclass(frozen=True)
class Environment:
    """A virtual environment with pyAmpliCol.

    Attributes:
        folder: of the environment.
        version: of pyAmpliCol.
        own: made by crosshook, if it is there.
    """

    folder: Path
    version: str
    own: bool = False

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def rusticol_config(self) -> Path:
        """The program that tells how to compile against Rusticol."""
        return self.folder / "bin" / "rusticol-config"


def find_environment(named: Path | None) -> Environment:
    """The environment to use, whether it is there already or not.

    Args:
        named: by the user; if None, `$CROSSHOOK_PYAMPLICOL` or crosshook's own.

    Raises:
        InputError: if the one named is none.
    """
    chosen = named or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if chosen is None:
        version = REQUIREMENT.partition("==")[2]
        return Environment(cache_folder() / "amplicol" / f"environment-{version}", version, True)
    folder = chosen.absolute()
    if not Environment(folder, "").python.exists():
        message = f"{chosen}: no virtual environment: it has no bin/python"
        raise InputError(message)
    found = sorted(folder.glob("lib/python*/site-packages/pyamplicol-*.dist-info"))
    if not found:
        message = f"{chosen}: no pyAmpliCol there; {folder}/bin/pip install {REQUIREMENT}"
        raise InputError(message)
    return Environment(folder, found[-1].name.split("-")[1].removesuffix(".dist"))


def install(environment: Environment, say: Callable[[str], None]) -> None:
    """Makes crosshook's own environment if it is not there.

    Args:
        environment: as found.
        say: told that it takes a while.

    Raises:
        ProgramError: if it cannot be made.
    """
    ready = environment.folder / "complete"
    if not environment.own or ready.exists():
        return
    say(f"installing {REQUIREMENT} in {environment.folder}, once")
    command = [sys.executable, "-m", "venv", "--clear", str(environment.folder)]
    _run(command, "making an environment")
    pip = [str(environment.python), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--disable-pip-version-check", REQUIREMENT], f"installing {REQUIREMENT}")
    ready.touch()


def _run(command: Sequence[str], what: str) -> None:
    """Runs a child of the installation."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        message = f"{what}: {command[0]}: {error.strerror}"
        raise ProgramError(message) from error
    if done.returncode == 0:
        return
    lines = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
    hint = ""
    if "install" in command:
        hint = (
            "; without network, install it where there is one and name that environment by "
            f"--environment or ${VARIABLE}"
        )
    message = f"{what} failed: {lines[-1].strip()}{hint}"
    raise ProgramError(message)
