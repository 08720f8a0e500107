"""What a process directory of MadGraph holds; for `crosshook process show` and `process add`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.adapters.madgraph.directory import CARD, how_to_build, read_directory
from crosshook.adapters.madgraph.fragment import Fragment
from crosshook.adapters.madgraph.param_card import read_param_card
from crosshook.adapters.madgraph.proc_card import read_proc_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.adapters.madgraph.directory import Folder, ProcessDirectory
    from crosshook.adapters.madgraph.param_card import ParamCard
    from crosshook.adapters.madgraph.proc_card import ProcCard


@dataclass(frozen=True)
class InspectedDirectory:
    """An `Inspected` process directory.

    Attributes:
        path: as given.
        directory: what lies in it.
        card: its parameter card, or the one given.
        asked: what MadGraph was asked for, or None.
        own_card: the card is the directory's.
    """

    path: Path
    directory: ProcessDirectory
    card: ParamCard
    asked: ProcCard | None
    own_card: bool

    def facts(self) -> Mapping[str, str]:
        """For people, in order."""
        found = {"output": self.directory.output, "parameter card": str(self.card.path)}
        if self.asked is not None:
            found["model"] = self.asked.model or "sm"
            found["asked for"] = "; ".join(self.asked.asked)
        for folder in self.directory.folders:
            found[folder.path.name] = (
                f"{', '.join(folder.code.processes) or 'unknown process'}: "
                f"{len(folder.code.diagrams)} diagrams; {self._call(folder)}"
            )
        return found

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "path": str(self.path),
            "output": self.directory.output,
            "card": str(self.card.path),
            "asked": list(self.asked.asked) if self.asked else [],
            "folders": [
                {
                    "name": folder.path.name,
                    "processes": list(folder.code.processes),
                    "legs": folder.code.legs,
                    "diagrams": len(folder.code.diagrams),
                    "mirror": folder.mirror,
                    "kind": folder.call.kind if folder.call else None,
                    "file": str(folder.call.path) if folder.call else None,
                }
                for folder in self.directory.folders
            ],
        }

    def fragment(self, pdg: Sequence[int]) -> tuple[dict[str, object], tuple[str, ...]]:
        """The `process:` of a run file, and what is left to fill in.

        Raises:
            ConfigurationError: if nothing can be called, or the folders have different legs.
        """
        made = Fragment(self.directory, self.card, self.asked, tuple(pdg))
        process = made.process(own_card=self.own_card)
        return process, tuple(made.left)

    def _call(self, folder: Folder) -> str:
        if folder.call is None:
            return f"not built ({how_to_build(self.directory, folder)})"
        return f"{folder.call.kind}, {folder.call.path.name}"


def inspect_directory(path: Path, card: str = "") -> InspectedDirectory:
    """Reads a process directory.

    Args:
        path: of it, or of one folder of its SubProcesses.
        card: parameter card; that of the directory if empty.

    Raises:
        InputError: if it has no generated code, or no parameter card.
    """
    directory = read_directory(path)
    parameters = read_param_card(Path(card) if card else directory.path / CARD)
    asked = read_proc_card(directory.path / "Cards" / "proc_card_mg5.dat")
    return InspectedDirectory(path, directory, parameters, asked, not card)
