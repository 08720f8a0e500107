"""Compiles the UMAMI library of generated amplitudes."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Final

from crosshook.adapters.amplicol.generate import process_name
from crosshook.core.compiler import compile_library
from crosshook.core.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.adapters.amplicol.environment import Environment

LIBRARY: Final = "libamplitudes.so"


@dataclass(frozen=True)
class Sources:
    """What a library is made of.

    Attributes:
        folder: where it will be for good.
        amplitudes: directory of its |M|², inside `folder`.
        flows: directory of its leading-colour amplitudes.
        masses: of the legs in GeV.
        colours: number of colour flows that the amplitudes of each process have.
        drawn: numbers of those that may be drawn.
        strong_order: power of α_s in |M|².
        alpha_s: name of the parameter that holds the amplitudes' own α_s.
        parameters: set when it is loaded.
    """

    folder: Path
    amplitudes: str
    flows: str
    masses: tuple[float, ...]
    colours: tuple[int, ...]
    drawn: tuple[tuple[int, ...], ...]
    strong_order: int
    alpha_s: str
    parameters: Mapping[str, float]

    def header(self) -> str:
        """process.h for provider.c."""
        names = ", ".join(json.dumps(process_name(n)) for n in range(len(self.colours)))
        numbers = ", ".join(f"{{{', '.join(map(str, each))}}}" for each in self.drawn)
        counts = [len(each) for each in self.drawn]
        given = self.parameters.items()
        pairs = ", ".join(f"{{{json.dumps(name)}, {value!r}}}" for name, value in given)
        return f"""#define LEGS {len(self.masses)}
#define FLAVOURS {len(self.colours)}
#define MOST_FLOWS {max(counts)}
#define STRONG_ORDER {self.strong_order}
#define ALPHA_S_NAME {json.dumps(self.alpha_s)}
#define FOLDER {json.dumps(str(self.folder))}
#define AMPLITUDES {json.dumps(self.amplitudes)}
#define FLOWS {json.dumps(self.flows)}
#define PARAMETERS {len(self.parameters)}
static const double process_masses[LEGS] = {{{", ".join(map(repr, self.masses))}}};
static const char *const process_keys[FLAVOURS] = {{{names}}};
static const size_t process_colours[FLAVOURS] = {{{", ".join(map(str, self.colours))}}};
static const size_t process_flows[FLAVOURS] = {{{", ".join(map(str, counts))}}};
static const size_t process_numbers[FLAVOURS][MOST_FLOWS] = {{{numbers}}};
static const struct {{
    const char *name;
    double value;
}} process_parameters[PARAMETERS + 1] = {{{pairs or "{0, 0}"}}};
"""


def build(environment: Environment, sources: Sources, folder: Path) -> Path:
    """Compiles the library.

    Args:
        environment: with pyAmpliCol, whose Rusticol is linked in.
        sources: what it is made of.
        folder: where it is written.

    Returns:
        Its path.

    Raises:
        ProgramError: if it does not compile.
    """
    library = folder / LIBRARY
    (folder / "process.h").write_text(sources.header(), "utf-8")
    compile_flags = _flags(environment, "--cflags")
    link_flags = _flags(environment, "--libs")
    source = files("crosshook.adapters.amplicol") / "provider.c"
    with as_file(source) as path:
        flags = [f"-I{folder}", *compile_flags]
        # only the functions of UMAMI are seen from outside
        links = [*link_flags, "-lm", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-s"]
        compile_library(path, library, flags=flags, links=links)
    return library


def _flags(environment: Environment, which: str) -> list[str]:
    command = [str(environment.rusticol_config), which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(command)} failed: {done.stderr.strip()}"
        raise ProgramError(message)
    return shlex.split(done.stdout)
