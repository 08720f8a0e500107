"""Run-file fragments of inspected sources, as YAML, and tested where they are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from crosshook.core.context import BuildContext
from crosshook.core.errors import OutputError
from crosshook.core.registry import default_registry
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.adapters.sources.kinds import Inspected


def write_fragment(
    source: Inspected, pdg: Sequence[int], output: Path | None, overwrite: bool = False
) -> tuple[str, tuple[str, ...]]:
    """The fragment of a source; where nothing is left to fill in, the process is built and tested.

    Args:
        source: as inspected.
        pdg: PDG ids of the legs, if the source does not know them.
        output: file to write, or None.
        overwrite: replace it if it is there.

    Returns:
        The YAML, and what is left to fill in.

    Raises:
        CrosshookError: if the ids do not fit, the amplitudes fail their self-test, or the file is
            there.
    """
    if output is not None and output.exists() and not overwrite:
        message = f"{output}: is there already; use --overwrite"
        raise OutputError(message)
    process, left = source.fragment(pdg)
    if not left:
        ((name, options),) = process.items()
        registry = default_registry()
        slot = {"use": name, "options": options}
        registry.build("process", slot, BuildContext(registry=registry), "process")
    remarks = "".join(f"# left to fill in: {sentence}\n" for sentence in left)
    text = remarks + yaml.safe_dump({"process": process}, sort_keys=False, default_flow_style=None)
    if output is not None:
        write_whole(output, text)
    return text, left
