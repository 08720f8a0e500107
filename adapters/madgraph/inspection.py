"""What a process directory of MadGraph holds, and the run-file fragment that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.adapters.madgraph.channels import channels_of
from crosshook.adapters.madgraph.colour_flows import leading_flows
from crosshook.adapters.madgraph.directory import CARD, how_to_build, read_directory
from crosshook.adapters.madgraph.evaluator import Evaluator
from crosshook.adapters.madgraph.param_card import read_param_card
from crosshook.adapters.madgraph.particle_ids import process_ids
from crosshook.adapters.madgraph.proc_card import read_proc_card
from crosshook.adapters.madgraph.process import order_of
from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.errors import ConfigurationError
from crosshook.core.process.self_test import generic_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.adapters.madgraph.channels import Plain
    from crosshook.adapters.madgraph.directory import Folder, ProcessDirectory
    from crosshook.adapters.madgraph.generated_code import GeneratedCode
    from crosshook.adapters.madgraph.param_card import ParamCard
    from crosshook.adapters.madgraph.proc_card import ProcCard

TEST_ENERGY = 1000.0
"""√ŝ in GeV where the power of α_s is measured, or above the masses."""


@dataclass(frozen=True)
class InspectedDirectory:
    """An `Inspected` process directory.

    Attributes:
        path: as given.
        directory: what lies in it.
        card: its parameter card, or the one given.
        asked: what MadGraph was asked for, or None.
        card_given: the card is not the directory's.
    """

    path: Path
    directory: ProcessDirectory
    card: ParamCard
    asked: ProcCard | None
    card_given: bool

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
        folders = [folder for folder in self.directory.folders if folder.call is not None]
        left = [
            f"{folder.path.name} is not built: {how_to_build(self.directory, folder)}"
            for folder in self.directory.folders
            if folder.call is None
        ]
        if not folders:
            message = f"{self.path}: nothing can be called: {'; '.join(left)}"
            raise ConfigurationError(message)
        legs = sorted({folder.code.legs for folder in folders})
        if len(legs) > 1:
            message = (
                f"{self.path}: processes of {', '.join(map(str, legs))} legs; name one folder, "
                f"such as {folders[0].path}"
            )
            raise ConfigurationError(message)
        kinds = {folder.call.kind for folder in folders if folder.call is not None}
        if "umami" in kinds and (len(kinds) > 1 or len(folders) > 1):
            message = f"{self.path}: several libraries behind UMAMI; name one of {_names(folders)}"
            raise ConfigurationError(message)
        entries: list[Plain] = []
        for folder in folders:
            made, missing = self._entries(folder, pdg)
            entries += made
            left += missing
        masses = [self.card.mass(p) for p in entries[0]["pdg"]]  # type: ignore[attr-defined]
        n_in = 1 if self._decays(folders[0]) else 2
        umami = "umami" in kinds
        channels, unknown = channels_of(
            [folder.code for folder in folders],
            self.card,
            masses or [0.0] * legs[0],
            n_in,
            with_diagrams=umami,
        )
        left += [
            f"{name}: a mass or width that {self.card.path} does not name" for name in unknown
        ]
        broken = _broken_invariance([folder.code for folder in folders], self.card)
        options: Plain = {}
        if not umami:
            options["directory"] = str(self.directory.path)
            if self.card_given:
                options["card"] = str(self.card.path)
        options["subprocesses"] = entries
        if umami and masses:
            options["masses"] = masses
        if channels:
            options["channels"] = channels
        if broken and not umami:
            options["invariance"] = broken
        if n_in == 1:
            options["initial"] = "decay"
        return {"umami" if umami else "madgraph": options}, tuple(left)

    def _call(self, folder: Folder) -> str:
        if folder.call is None:
            return f"not built ({how_to_build(self.directory, folder)})"
        return f"{folder.call.kind}, {folder.call.path.name}"

    def _decays(self, folder: Folder) -> bool:
        return bool(folder.code.processes) and " " not in (
            folder.code.processes[0].partition(">")[0].strip()
        )

    def _entries(self, folder: Folder, pdg: Sequence[int]) -> tuple[list[Plain], list[str]]:
        """Subprocesses of a folder, and what is left to fill in."""
        name, legs = folder.path.name, folder.code.legs
        assert folder.call is not None
        if pdg and len(pdg) != legs:
            message = f"--pdg: {len(pdg)} ids, but {folder.path} has {legs} legs"
            raise ConfigurationError(message)
        n_in = 1 if self._decays(folder) else 2
        processes = folder.code.processes
        known = {each: process_ids(each) for each in processes}
        ids = [found[0] for found in known.values() if found and len(found[0]) == legs]
        left = []
        if pdg:
            ids = [tuple(pdg)]
        elif len(ids) < len(processes) or not ids:
            left.append(f"pdg of {name} ({', '.join(processes)}): {legs} PDG ids, incoming first")
            ids = ids or [()]
        entries: list[Plain] = []
        power = self._power(folder, ids[0], n_in) if ids[0] else None
        for own in ids:
            if folder.call.kind == "umami":
                entry: Plain = {"library": str(folder.call.path), "card": str(self.card.path)}
            else:
                entry = {"file": str(folder.call.path.relative_to(self.directory.path))}
            entry["pdg"] = list(own)
            if self._mirror(folder, own):
                entry["mirror"] = True
            if power:
                entry["orders"] = {"qcd": power}
            entries.append(entry)
            left += self._missing_flows(folder, own, n_in)
        if power is None and ids[0] and folder.call.kind != "umami":
            left.append(f"orders of {name}: |M|² is no single power of α_s")
        return entries, left

    def _missing_flows(self, folder: Folder, pdg: tuple[int, ...], n_in: int) -> list[str]:
        if not pdg or len(possible_flows(pdg, n_in)) == 1:
            return []
        if folder.call is not None and folder.call.kind == "umami":
            return [f"colour_flows of {folder.path.name}: in the library's order"]
        if leading_flows(pdg, n_in):
            return []
        return [f"colour_flows of {folder.path.name}: which of them are leading is not known"]

    def _mirror(self, folder: Folder, pdg: tuple[int, ...]) -> bool:
        """Whether the other order of the beams is meant, but has no code of its own."""
        if folder.mirror:
            return True
        if len(pdg) < 2 or pdg[0] == pdg[1] or self.asked is None or self._decays(folder):
            return False
        swapped = (pdg[1], pdg[0])
        everything = [
            found[0][:2]
            for each in self.directory.folders
            for process in each.code.processes
            if (found := process_ids(process)) is not None
        ]
        beams = [
            process.partition(">")[0].split()
            for process in folder.code.processes
            if (found := process_ids(process)) is not None and found[0] == pdg
        ]
        return swapped not in everything and any(
            self.asked.both_orders(one, other) for one, other in beams
        )

    def _power(self, folder: Folder, pdg: tuple[int, ...], n_in: int) -> int | None:
        """The power of α_s in |M|², measured; None if it is no whole one, or cannot be measured."""
        assert folder.call is not None
        if folder.call.kind == "umami":
            return None
        entry: Plain = {
            "file": str(folder.call.path.relative_to(self.directory.path)),
            "pdg": list(pdg),
        }
        order = order_of(self.directory.path, entry, self.card, str(folder.path))
        masses = tuple(self.card.mass(p) for p in pdg)
        energy = masses[0] if n_in == 1 else max(TEST_ENERGY, 4 * sum(masses))
        momenta = generic_points(masses, energy, n_in, torch.device("cpu")).numpy()
        evaluator = Evaluator(order)
        alpha_s = np.full(len(momenta), 0.1)
        one, four = (evaluator.squared(momenta, k * alpha_s).sum() for k in (1, 4))
        power = float(np.log(four / one) / np.log(4))
        return round(power) if abs(power - round(power)) < 1e-6 else None


def _broken_invariance(codes: Sequence[GeneratedCode], card: ParamCard) -> float:
    """The largest (Γ/m)² of the propagators, to two digits: how far widths break gauge invariance."""
    ratios = [0.0]
    for line in {line for code in codes for diagram in code.diagrams for line in diagram.lines}:
        mass, width = card.symbol(line.mass), card.symbol(line.width)
        ratios.append((width / mass) ** 2 if mass and width else 0.0)
    return float(f"{max(ratios):.1e}")


def _names(folders: Sequence[Folder]) -> str:
    return ", ".join(str(folder.path) for folder in folders)


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
    return InspectedDirectory(path, directory, parameters, asked, bool(card))
