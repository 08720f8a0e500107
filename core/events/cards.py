"""The cards generators leave in a file's header: run cards, parameter cards, generation info.

They are kept as text (`RunInfo.header`). Where a card is a list of keys and values, or SLHA, it can
be had as a mapping.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from crosshook.core.errors import InputError, brief

if TYPE_CHECKING:
    from crosshook.core.events.run_info import RunInfo

RUN_CARD_LINE: Final = re.compile(r"^\s*([^#!=\n]*?)\s*=\s*([A-Za-z][\w.]*)\s*(?:[!#].*)?$")
"""MadGraph: `value = key ! comment`."""
INFO_LINE: Final = re.compile(r"^\s*#\s*([^:\n]+?)\s*:\s*(.*?)\s*$")
"""MGGenerationInfo: `#  Number of Events : 10000`."""
BLOCK_LINE: Final = re.compile(r"^\s*block\s+(\S+)(.*)$", re.IGNORECASE)
DECAY_LINE: Final = re.compile(r"^\s*decay\s+(\S+)\s+(\S+)", re.IGNORECASE)
MADGRAPH_CARD: Final = ("MGRunCard",)
SHERPA_CARD: Final = ("SHRunCard",)
INFO_BLOCKS: Final = ("MGGenerationInfo",)
SLHA_BLOCKS: Final = ("slha", "SLHA")


def header_text(info: RunInfo, name: str) -> str:
    """The text of one block of the header.

    Args:
        info: the run.
        name: of the block's tag, attributes left out.

    Raises:
        InputError: if there is none of that name.
    """
    for key, text in info.header.items():
        if key.split(None, 1)[:1] == [name]:
            return text
    message = f"the header has no block {name!r}; it has {', '.join(info.header) or 'none'}"
    raise InputError(message)


def _first(info: RunInfo, names: tuple[str, ...]) -> str:
    present = {key.split(None, 1)[0] for key in info.header if key.strip()}
    return next((header_text(info, name) for name in names if name in present), "")


def run_card(info: RunInfo) -> dict[str, object]:
    """The run card of MadGraph or Sherpa as a mapping; empty if there is none.

    MadGraph's values are text as written; Sherpa's card is YAML, its values have types.

    Raises:
        InputError: if Sherpa's card is no YAML.
    """
    values: dict[str, object] = {}
    for line in _first(info, MADGRAPH_CARD).splitlines():
        if match := RUN_CARD_LINE.match(line):
            values[match.group(2)] = match.group(1).strip("'\"")
    sherpa = _first(info, SHERPA_CARD)
    if sherpa:
        try:
            found = yaml.safe_load(sherpa)
        except yaml.YAMLError as error:
            message = f"the run card {SHERPA_CARD[0]} is no YAML: {brief(error)}"
            raise InputError(message) from error
        values |= found if isinstance(found, dict) else {}
    return values


def generation_info(info: RunInfo) -> dict[str, str]:
    """`MGGenerationInfo` as a mapping; empty if there is none."""
    lines = map(INFO_LINE.match, _first(info, INFO_BLOCKS).splitlines())
    return {match.group(1): match.group(2) for match in lines if match is not None}


def parameters(info: RunInfo) -> dict[str, dict[tuple[int, ...], float]]:
    """Numbers of the SLHA card (hep-ph/0311123) by block and indices; empty if there is none.

    `parameters(info)["mass"][6,]` is the mass of the top quark in GeV. Names of blocks are in lower
    case; widths of `DECAY` lines are the block `decay`, by PDG id. Entries that are no numbers are
    left out.
    """
    blocks: dict[str, dict[tuple[int, ...], float]] = {}
    current: dict[tuple[int, ...], float] = {}
    for line in _first(info, SLHA_BLOCKS).splitlines():
        text = line.partition("#")[0]
        if block := BLOCK_LINE.match(text):
            current = blocks.setdefault(block.group(1).lower(), {})
        elif decay := DECAY_LINE.match(text):
            current = {}  # the channels below it
            _enter(blocks.setdefault("decay", {}), [decay.group(1)], decay.group(2))
        elif tokens := text.split():
            _enter(current, tokens[:-1], tokens[-1])
    return blocks


def _enter(block: dict[tuple[int, ...], float], indices: list[str], value: str) -> None:
    try:
        key = tuple(int(index) for index in indices)
        block[key] = float(value.lower().replace("d", "e"))
    except ValueError:
        return
