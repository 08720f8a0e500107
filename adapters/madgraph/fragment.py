"""Fragment: the part of a run file that calls a process directory, and what it does not tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.adapters.madgraph.channels import channels_of
from crosshook.adapters.madgraph.colour_flows import leading_flows
from crosshook.adapters.madgraph.directory import how_to_build
from crosshook.adapters.madgraph.evaluator import Evaluator
from crosshook.adapters.madgraph.particle_ids import process_ids
from crosshook.adapters.madgraph.process import order_of
from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.amplitudes.description import PARTONS
from crosshook.core.errors import ConfigurationError
from crosshook.core.process.self_test import generic_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.adapters.madgraph.directory import Folder, ProcessDirectory
    from crosshook.adapters.madgraph.generated_code import GeneratedCode
    from crosshook.adapters.madgraph.param_card import ParamCard
    from crosshook.adapters.madgraph.proc_card import ProcCard
    from crosshook.core.amplitudes.options import Plain

TEST_ENERGY = 1000.0
"""√ŝ in GeV where the power of α_s is measured, or four times the masses if that is more."""


@dataclass
class Fragment:
    """The `process:` of a run file.

    Attributes:
        directory: what is called.
        card: parameter card.
        asked: what MadGraph was asked for, or None.
        pdg: ids of the legs as the user gives them; empty if the names of the particles tell.
        left: what is left to fill in, once it is made.
    """

    directory: ProcessDirectory
    card: ParamCard
    asked: ProcCard | None
    pdg: tuple[int, ...]
    left: list[str] = field(default_factory=list)

    def process(self, *, own_card: bool) -> Plain:
        """The mapping of the run file.

        Args:
            own_card: the card is the directory's, which need not be said.

        Raises:
            ConfigurationError: if nothing can be called, or the folders have different legs.
        """
        folders = self._callable()
        entries = [entry for folder in folders for entry in self._entries(folder)]
        codes = [folder.code for folder in folders]
        umami = _is_umami(folders[0])
        masses = self._masses(entries) or [0.0] * codes[0].legs
        channels, unknown = channels_of(
            codes, self.card, masses, _incoming(folders[0]), with_diagrams=umami
        )
        self.left += [
            f"{name}: a mass or width that {self.card.path} does not name" for name in unknown
        ]
        options: Plain = {} if umami else {"directory": str(self.directory.path)}
        if not (umami or own_card):
            options["card"] = str(self.card.path)
        options["subprocesses"] = entries
        if umami:
            options["masses"] = masses
        if channels:
            options["channels"] = channels
        broken = _broken_invariance(codes, self.card)
        if broken and not umami:
            options["invariance"] = broken
        if _incoming(folders[0]) == 1:
            options["initial"] = "decay"
        return {"umami" if umami else "madgraph": options}

    def _callable(self) -> list[Folder]:
        """Folders that are built, all with the same number of legs."""
        path = self.directory.path
        folders = [folder for folder in self.directory.folders if folder.call is not None]
        self.left += [
            f"{folder.path.name} is not built: {how_to_build(self.directory, folder)}"
            for folder in self.directory.folders
            if folder.call is None
        ]
        if not folders:
            message = f"{path}: nothing can be called: {'; '.join(self.left)}"
            raise ConfigurationError(message)
        legs = sorted({folder.code.legs for folder in folders})
        if len(legs) > 1:
            message = (
                f"{path}: processes of {', '.join(map(str, legs))} legs; name one folder, "
                f"such as {folders[0].path}"
            )
            raise ConfigurationError(message)
        if len(folders) > 1 and any(map(_is_umami, folders)):
            names = ", ".join(str(folder.path) for folder in folders)
            message = f"{path}: several libraries behind UMAMI; name one of {names}"
            raise ConfigurationError(message)
        if self.pdg and len(self.pdg) != legs[0]:
            message = f"--pdg: {len(self.pdg)} ids, but {folders[0].path} has {legs[0]} legs"
            raise ConfigurationError(message)
        return folders

    def _masses(self, entries: Sequence[Plain]) -> list[float]:
        pdg = entries[0]["pdg"]
        assert isinstance(pdg, list)
        return [self.card.mass(number) for number in pdg]

    def _entries(self, folder: Folder) -> list[Plain]:
        """Subprocesses of a folder."""
        name, legs, processes = folder.path.name, folder.code.legs, folder.code.processes
        assert folder.call is not None
        known = [found[0] for each in processes if (found := process_ids(each)) is not None]
        ids = [self.pdg] if self.pdg else [own for own in known if len(own) == legs]
        if not self.pdg and (len(ids) < len(processes) or not ids):
            shown = ", ".join(processes)
            self.left.append(f"pdg of {name} ({shown}): {legs} PDG ids, incoming first")
        power = self._power(folder, ids[0]) if ids and not _is_umami(folder) else None
        if ids and power is None and not _is_umami(folder):
            self.left.append(f"orders of {name}: |M|² is no single power of α_s")
        entries: list[Plain] = []
        for own in ids or [()]:
            entry: Plain = {"file": str(folder.call.path.relative_to(self.directory.path))}
            if _is_umami(folder):
                entry = {"library": str(folder.call.path), "card": str(self.card.path)}
            entry["pdg"] = list(own)
            if self._mirror(folder, own):
                entry["mirror"] = True
            if power:
                entry["orders"] = {"qcd": power}
            entries.append(entry)
            self._miss_flows(folder, own)
        return entries

    def _miss_flows(self, folder: Folder, pdg: tuple[int, ...]) -> None:
        n_in = _incoming(folder)
        if not pdg or len(possible_flows(pdg, n_in)) == 1:
            return
        if _is_umami(folder):
            self.left.append(f"colour_flows of {folder.path.name}: in the library's order")
        elif not leading_flows(pdg, n_in):
            self.left.append(f"colour_flows of {folder.path.name}: those that are leading")

    def _mirror(self, folder: Folder, pdg: tuple[int, ...]) -> bool:
        """Whether the other order of the beams is meant too, but has no code of its own."""
        if folder.mirror is not None:
            return folder.mirror
        if _incoming(folder) == 1 or not pdg or pdg[0] == pdg[1]:
            return False
        known = [
            (process, found[0])
            for each in self.directory.folders
            for process in each.code.processes
            if (found := process_ids(process)) is not None
        ]
        if any(own[:2] == (pdg[1], pdg[0]) for _, own in known):
            return False
        if self.asked is not None:
            beams = [process.split()[:2] for process, own in known if own == pdg]
            return any(self.asked.both_orders(one, other) for one, other in beams)
        if {abs(pdg[0]), abs(pdg[1])} <= PARTONS:
            self.left.append(f"mirror of {folder.path.name}: true if the other order is meant too")
        return False

    def _power(self, folder: Folder, pdg: tuple[int, ...]) -> int | None:
        """The power of α_s in |M|², measured; None if it is no whole one."""
        assert folder.call is not None
        file = str(folder.call.path.relative_to(self.directory.path))
        order = order_of(
            self.directory.path, {"file": file, "pdg": list(pdg)}, self.card, str(folder.path)
        )
        masses = tuple(self.card.mass(p) for p in pdg)
        n_in = _incoming(folder)
        energy = masses[0] if n_in == 1 else max(TEST_ENERGY, 4 * sum(masses))
        momenta = generic_points(masses, energy, n_in, torch.device("cpu")).numpy()
        evaluator = Evaluator(order)
        alpha_s = np.full(len(momenta), 0.1)
        one, four = (float(evaluator.squared(momenta, k * alpha_s).sum()) for k in (1, 4))
        power = np.log(four / one) / np.log(4) if one > 0 and four > 0 else np.nan
        return round(power) if abs(power - np.rint(power)) < 1e-6 else None


def _is_umami(folder: Folder) -> bool:
    return folder.call is not None and folder.call.kind == "umami"


def _incoming(folder: Folder) -> int:
    """Number of incoming legs."""
    process = next(iter(folder.code.processes), "")
    return 1 if len(process.partition(">")[0].split()) == 1 else 2


def _broken_invariance(codes: Sequence[GeneratedCode], card: ParamCard) -> float:
    """The largest (Γ/m)² of the propagators, to two digits: how far widths break gauge invariance."""
    ratios = [0.0]
    for line in {line for code in codes for diagram in code.diagrams for line in diagram.lines}:
        mass, width = card.symbol(line.mass), card.symbol(line.width)
        ratios.append((width / mass) ** 2 if mass and width else 0.0)
    return float(f"{max(ratios):.1e}")
