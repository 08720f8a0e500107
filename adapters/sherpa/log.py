"""What Sherpa prints: cross sections of its integration, and the reasons why it stops."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from crosshook.adapters.sherpa.installation import DENSITIES, LIBRARIES
from crosshook.core.interfaces.generator import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBER: Final = r"([-+\d.eE]+)"
VERSION: Final = re.compile(r"SHERPA v(\S+)")
RESULT: Final = re.compile(
    rf"^(\S+) : {NUMBER} pb \+- \( {NUMBER} pb = [^)]*\)\s+exp\. eff: {NUMBER} %", re.MULTILINE
)
"""`2_3__j__j__e-__e+__j : 238.874 pb +- ( 0.42749 pb = 0.178961 % )  exp. eff: 0.838893 %`"""
RUNNING: Final = re.compile(rf"^{NUMBER} pb \+- \( {NUMBER} pb = ", re.MULTILINE)
LIBRARY: Final = re.compile(r"error while loading shared libraries: ([^\s:]+)")
DENSITY: Final = re.compile(
    r"PDF '([^']+)' does not exist|Info file not found for PDF set '([^']+)'"
)


def read_log(log: str, process: str) -> Reading:
    """What a log says, complete or so far.

    σ is the sum over Sherpa's groups of processes as far as they are integrated, or the latest
    estimate of the first one.

    Args:
        log: the text, without colours.
        process: as the card has it.
    """
    version = VERSION.search(log)
    program = f"Sherpa {version[1]}" if version else "Sherpa"
    # A group is named again where its result is read back.
    groups = {m[1]: (_number(m[2]), _number(m[3]), _number(m[4])) for m in RESULT.finditer(log)}
    if not groups:
        latest = [(_number(m[1]), _number(m[2])) for m in RUNNING.finditer(log)]
        value, error = latest[-1] if latest else (None, None)
        return Reading(program, process, value, error)
    facts = {
        f"expected efficiency, {name}": f"{efficiency:g} %, by Sherpa's maximum"
        for name, (_, _, efficiency) in groups.items()
    }
    return Reading(
        program,
        process,
        sum(value for value, _, _ in groups.values()),
        math.hypot(*(error for _, error, _ in groups.values())),
        facts,
    )


def explained(log: str, environment: Mapping[str, str]) -> str:
    """The reason of a failure with a way out, or `""`.

    Args:
        log: the text, without colours.
        environment: Sherpa was run with.
    """
    if missing := LIBRARY.search(log):
        return (
            f"the library {missing[1]} is not found; put its folder into {LIBRARIES}, in "
            f"generator.options.environment or outside "
            f"(now {environment.get(LIBRARIES) or 'not set'})"
        )
    if missing := DENSITY.search(log):
        return (
            f"the parton densities {missing[1] or missing[2]} are not found; put the folder that "
            f"holds them into {DENSITIES}, in generator.options.environment or outside (now "
            f"{environment.get(DENSITIES) or 'not set'}), or name another PDF_SET in the card"
        )
    return ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
