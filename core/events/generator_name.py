"""Which programs made a file: `<generator>` lines, or what old headers and comments say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from crosshook.core.events.run_info import RunInfo

SIGNATURES: Final = (
    ("Sherpa", re.compile(r"created by SHERPA\s+(\S*)", re.IGNORECASE)),
    ("JHUGen", re.compile(r"JHUGenerator\s+v?([\d.]*\d)")),
    ("POWHEG-BOX", re.compile(r"POWHEG[- ]BOX[- ]?(V\d|RES)?", re.IGNORECASE)),
    ("Pythia", re.compile(r"(?:written by|generated with) PYTHIA\s*([\d.]*\d)", re.IGNORECASE)),
    ("MadGraph5_aMC@NLO", re.compile(r"MadGraph\s*5[\s\S]{0,4000}?VERSION\s+([\d.\w]*)")),
    ("Whizard", re.compile(r"WHIZARD\s*([\d.]*\d)?", re.IGNORECASE)),
)


def generator_names(info: RunInfo) -> tuple[str, ...]:
    """Name and version of each generator, e.g. `("Sherpa 3.0.3",)`."""
    named = tuple(f"{name} {version}".strip() for name, version, _ in info.generators)
    if named:
        return named
    text = "\n".join([*info.comments, *info.header.values()])
    for name, pattern in SIGNATURES:
        found = pattern.search(text)
        if found:
            return (f"{name} {found.group(1) or ''}".strip(),)
    return ()
