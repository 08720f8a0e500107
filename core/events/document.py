"""The JSON document columnar files carry: run information, cross section, number of events.

Its schema is schemas/v1/events.json.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from crosshook.core.cross_section import cross_section
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import RunInfo
from crosshook.core.json_text import parse_json

if TYPE_CHECKING:
    from crosshook.core.cross_section import WeightSums

FORMAT: Final = "crosshook events"
VERSION: Final = 1


def write_document(info: RunInfo, sums: WeightSums) -> str:
    """The document of a file.

    Args:
        info: the final run information.
        sums: over all its events.
    """
    sigma = cross_section(info, sums)
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "events": sums.events,
            "cross_section_pb": sigma.value,
            "cross_section_error_pb": sigma.error,
            "rule": sigma.rule,
            "run": info.as_json(),
        }
    )


def read_document(text: str) -> RunInfo:
    """The run information of a file.

    Raises:
        InputError: if the text is no such document, or of a later version.
    """
    try:
        values = parse_json(text)
        found = values["format"], values["version"]
        if found == (FORMAT, VERSION):
            return RunInfo.from_json(values["run"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"its run information cannot be read: {error}"
        raise InputError(message) from error
    message = f"its run information is {found[0]!r} version {found[1]}, not {FORMAT!r} {VERSION}"
    raise InputError(message)
