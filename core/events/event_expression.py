"""Expressions over events of files, of any multiplicity, as `--where` and reweighting use them.

The grammar is that of `crosshook.core.expression`, with == and != beside the other comparisons:

    pt[0]  eta[1]  y[0]  phi[0]  e[0]  mt[0]  m[0]   one final-state particle (status 1), counted
                                                     from 0 in the order of the file
    pt[jet[0]]  m[lepton[0], lepton[1]]              of a list, the hardest first: hardest (all),
                                                     jet (d u s c b g), lepton (e mu tau), neutrino,
                                                     electron, muon, tau, photon, bottom, top, z,
                                                     w, higgs
    e[incoming[0]]  m[line[2]]                       incoming particles, all lines of the event
    m[0,1]  pt[0,1]  delta_r[0,1]  delta_phi[0,1]    several particles: their sum, or two of them
    pdg_id[0]  status[line[2]]  spin[0]  mass[0]  lifetime[0]      as the file writes them
    m  sum_pt  ht  mll                               the whole final state, as in run files
    n  n[jet]                                        numbers of final-state particles, of a list
    weight  weight["ID"]  scale  alpha_qcd  alpha_qed  process_id  trials  mur2  muf2

A particle that an event does not have makes every comparison it enters false, == and != too; as a
number it is NaN.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import torch

from crosshook.core import kinematics
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, OPTIONAL_EVENT_COLUMNS
from crosshook.core.events.particle_lists import FINAL, LISTS, EventView
from crosshook.core.expression import ORDER, Expression
from crosshook.core.process.expression import LEPTONS, OF_PAIR, OF_SUM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.events.layout import BoolArray, FloatArray
    from crosshook.core.events.run_info import RunInfo

WRITTEN: Final = ("pdg_id", "status", "spin", "mass", "lifetime")
"""Particle columns that expressions know by name."""
WHOLE: Final = ("sum_pt", "ht", "mll", "n")


class EventExpression(Expression[EventView]):
    """A parsed expression over the events of a file."""

    compare: ClassVar[Mapping[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]]] = {
        **ORDER,
        ast.Eq: lambda a, b: (a <= b) & (a >= b),
        ast.NotEq: lambda a, b: (a < b) | (a > b),  # false for NaN, unlike torch's
    }
    comparisons: ClassVar[str] = "only <, <=, >, >=, == and != compare quantities"

    def __init__(self, text: str, info: RunInfo, where: str = "expression") -> None:
        """Parses and checks.

        Args:
            text: the expression.
            info: the run whose events it is for; names the further weights.
            where: where it was written, for messages.

        Raises:
            ConfigurationError: if something in it is not part of the language.
        """
        self._trying = True
        super().__init__(text, where, EventView(EventBatch.empty(info)))
        self._trying = False

    @classmethod
    def condition(cls, text: str, info: RunInfo, where: str) -> EventExpression:
        """An expression that must be true or false; arguments as above."""
        return cls(text, info, where).must_be_condition()

    @classmethod
    def quantity(cls, text: str, info: RunInfo, where: str) -> EventExpression:
        """An expression that must have a number as its value; arguments as above."""
        return cls(text, info, where).must_be_quantity()

    def holds(self, batch: EventBatch) -> BoolArray:
        """Which events fulfil a condition, `(n,)`."""
        return np.asarray(self._value(self._tree, EventView(batch)).numpy(), np.bool_)

    def values(self, batch: EventBatch) -> FloatArray:
        """A quantity of each event, `(n,)`; NaN where an event lacks a particle it needs."""
        return np.asarray(self._value(self._tree, EventView(batch)).numpy(), np.float64)

    def _constant(self, value: float, data: EventView) -> Tensor:
        return torch.full((len(data.batch),), value, dtype=torch.float64, device="cpu")

    def _named(self, name: str, data: EventView) -> Tensor:
        if name in EVENT_COLUMNS or name in OPTIONAL_EVENT_COLUMNS:
            return self._event_column(name, data)
        if name not in OF_SUM and name not in WHOLE:
            known = sorted({*OF_SUM, *WHOLE, *EVENT_COLUMNS, *OPTIONAL_EVENT_COLUMNS})
            hint = f"{name}[0]" if name in OF_PAIR or name in WRITTEN else ""
            more = f"; of particles, as in {hint}" if hint else f"; known: {', '.join(known)}"
            self._fail(f"no quantity {name!r} of an event{more}")
        final = data.list(FINAL)
        if name == "n":
            return torch.from_numpy(final.counts).to(torch.float64)
        if name == "mll":
            return self._of_leptons(data)
        momenta = data.momenta[torch.from_numpy(final.rows)]
        if name == "sum_pt":
            return data.total(kinematics.pt(momenta), final)
        if name == "ht":
            return data.total(kinematics.transverse_mass(momenta), final)
        return OF_SUM[name](data.total(momenta, final))

    def _of_leptons(self, data: EventView) -> Tensor:
        """Mass of all charged leptons and neutrinos; NaN without any."""
        final = data.list(FINAL)
        pdg = np.abs(data.batch.particle_columns["pdg_id"][final.rows])
        inside = torch.from_numpy(np.isin(pdg, list(LEPTONS)).astype(np.float64))
        momenta = data.momenta[torch.from_numpy(final.rows)] * inside[:, None]
        mass = kinematics.mass(data.total(momenta, final))
        return torch.where(data.total(inside, final) > 0, mass, torch.nan)

    def _event_column(self, name: str, data: EventView) -> Tensor:
        column = data.batch.event.get(name)
        if column is None:
            if self._trying:
                return self._constant(0.0, data)
            message = f"{self._about(f'the events have no {name}')}"
            raise InputError(message)
        return _tensor(column)

    def _indexed(self, name: str, index: ast.expr, data: EventView) -> Tensor:
        if name == "weight":
            return self._weight(index, data)
        if name == "n":
            if not isinstance(index, ast.Name) or index.id not in LISTS:
                self._fail(f"n counts a list, as in n[jet]; lists are {', '.join(LISTS)}")
            return torch.from_numpy(data.list(index.id).counts).to(torch.float64)
        rows, there = self._rows(index, data)
        if name in WRITTEN:
            self._take(name, len(rows), 1)
            value = _tensor(data.batch.particle_columns[name])
            return self._if_there(
                there, value[rows[0]] if len(value) else self._constant(0.0, data)
            )
        if name not in OF_SUM and name not in OF_PAIR:
            known = ", ".join((*OF_SUM, *OF_PAIR, *WRITTEN, "n", "weight"))
            self._fail(f"no quantity {name!r} of particles; known: {known}")
        if name in OF_PAIR:
            self._take(name, len(rows), 2)
        if not len(data.momenta):
            return self._constant(0.0, data)
        if name in OF_SUM:
            momenta = sum((data.momenta[r] for r in rows[1:]), data.momenta[rows[0]])
            return self._if_there(there, OF_SUM[name](momenta))
        return self._if_there(there, OF_PAIR[name](data.momenta[rows[0]], data.momenta[rows[1]]))

    def _take(self, name: str, given: int, wanted: int) -> None:
        if given != wanted:
            what = "one particle" if wanted == 1 else "two particles"
            self._fail(f"{name} takes {what}, {given} given")

    @staticmethod
    def _if_there(there: BoolArray, value: Tensor) -> Tensor:
        return torch.where(torch.from_numpy(there), value, torch.nan)

    def _weight(self, index: ast.expr, data: EventView) -> Tensor:
        if not isinstance(index, ast.Constant) or not isinstance(index.value, str):
            self._fail('weights are named by their id in quotes, as in weight["1001"]')
        ids = data.batch.info.weight_ids
        if index.value not in ids:
            shown = ", ".join(ids[:8]) + (", ..." if len(ids) > 8 else "")
            self._fail(f"no weight {index.value!r}; the file has {shown or 'none'}")
        column = ids.index(index.value)
        value = torch.from_numpy(np.ascontiguousarray(data.batch.weights[:, column]))
        present = data.batch.present
        return value if present is None else self._if_there(present[:, column], value)

    def _rows(self, index: ast.expr, data: EventView) -> tuple[list[Tensor], BoolArray]:
        """Rows of the particles named in brackets, and which events have them all."""
        named = [self._particle(part) for part in self._parts(index)]
        if len(set(named)) < len(named):
            self._fail(f"a particle is named twice in {ast.unparse(index)!r}")
        members = [data.list(kind).member(i) for kind, i in named]
        there = np.logical_and.reduce([t for _, t in members])
        return [torch.from_numpy(rows) for rows, _ in members], there

    def _particle(self, part: ast.expr) -> tuple[str, int]:
        """List and place of `0` or `jet[0]`."""
        kind = FINAL
        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
            kind, part = part.value.id, part.slice
        if kind not in LISTS:
            self._fail(f"no list {kind!r} of particles; lists are {', '.join(LISTS)}")
        number = self._leg_number(part)
        if number < 0:
            self._fail(f"particle {number}: particles are counted from 0")
        return kind, number


def _tensor(column: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.array(column, np.float64))
