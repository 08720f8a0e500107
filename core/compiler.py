"""The C compiler: found, and asked for shared libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from crosshook.core.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def find_compiler() -> str:
    """The C compiler: `$CC`, or `cc`, `gcc`, `clang`.

    Raises:
        ProgramError: if there is none.
    """
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    message = (
        f"no C compiler: looked for {', '.join(names)}; install one (Debian: apt install gcc, "
        "conda: gcc) or name it by $CC"
    )
    raise ProgramError(message)


def compile_library(
    source: Path, library: Path, *, flags: Sequence[str] = (), links: Sequence[str] = ()
) -> None:
    """Compiles a shared library, of which only what says so is seen from outside.

    Args:
        source: file in C11.
        library: where it is written.
        flags: for the compiler, after those that are always given.
        links: for the linker.

    Raises:
        ProgramError: if there is no compiler, or the source does not compile.
    """
    compiler = find_compiler()
    command = [compiler, "-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-shared"]
    command += [*flags, str(source), "-o", str(library), *links]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        reason = next((line for line in lines if "error" in line), lines[-1])
        message = f"{compiler}: {library.name} does not compile: {reason}"
        raise ProgramError(message)
