"""Completes kept points to events: flavours, beam swap, colour flow, resonances, mothers, scales."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.conventions import ANY_HELICITY
from crosshook.core.errors import IntegrandError
from crosshook.core.events.batch import EventBatch
from crosshook.core.interfaces.matrix_element import ColourChoosing
from crosshook.core.process.helicity import squared_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.matrix_element import ColourFlow
    from crosshook.core.interfaces.process import Resonance
    from crosshook.core.process.points import Points
    from crosshook.core.process.scattering import ScatteringProcess

N_UNIFORM = 2
"""Random numbers an event takes: one for the flavours, one for the colour flow."""

INCOMING, OUTGOING, INTERMEDIATE = -1, 1, 2


def choose_assignments(points: Points, uniform: Tensor) -> Tensor:
    """Draws each point's flavour assignment in proportion to its share of dσ/dx.

    Args:
        points: n points.
        uniform: random numbers in [0, 1), `(n,)`.

    Returns:
        Columns of `Points.parts`, `(n,)` int64.
    """
    return _choose(points.parts, uniform)


def complete(
    process: ScatteringProcess,
    points: Points,
    chosen: Tensor,
    weight: Tensor,
    uniform: Tensor,
    info: RunInfo,
) -> EventBatch:
    """Events for kept points.

    Colour flows are drawn in proportion to their leading-colour weights. SPINUP is 9 where
    helicities were summed.

    Args:
        process: the process the points belong to.
        points: kept points, n of them.
        chosen: flavour assignment of each, `(n,)` int64.
        weight: their weights in pb, `(n,)`.
        uniform: random numbers in [0, 1) for the colour flow, `(n,)`.
        info: run information the events will carry; its further weights are filled in later.

    Returns:
        A batch of n events in the order of the points, without further weights.
    """
    flows = _colour_flows(process, points, chosen, uniform)
    return _batch(process, points, weight, chosen, flows, replace(info, weights=()))


def _choose(shares: Tensor, uniform: Tensor) -> Tensor:
    """A column of each row, in proportion to the row's shares; `(n,)` int64.

    Shares of the other sign than their row's sum (densities may be slightly negative) are taken as
    0: a probability cannot express them.
    """
    sign = torch.sign(shares.sum(dim=1, keepdim=True))
    cumulative = torch.cumsum((shares * sign).clamp(min=0.0), dim=1)
    target = uniform.to(shares.device) * cumulative[:, -1]
    # side "right" never chooses a column without share.
    found = torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]
    return found.clamp(max=shares.shape[1] - 1)


def _colour_flows(
    process: ScatteringProcess, points: Points, chosen: Tensor, uniform: Tensor
) -> Tensor:
    """The number of each event's colour flow, `(n,)` int64."""
    flows = torch.zeros_like(chosen)
    for number, assignment in enumerate(process.assignments):
        sub = process.matrix_element.subprocesses[assignment.subprocess]
        rows = torch.nonzero(chosen == number)[:, 0]
        if rows.numel() == 0 or len(sub.colour_flows) == 1:
            continue
        momenta = points.momenta[rows]
        if assignment.mirrored:
            momenta = process.legs_of_subprocess(momenta)
        alpha_s, random = points.alpha_s[rows], uniform.to(rows.device)[rows]
        source = process.matrix_element
        if sub.chooses_colour and isinstance(source, ColourChoosing):
            flows[rows] = source.choose_colour(momenta, assignment.subprocess, alpha_s, random)
            continue
        states = None if points.helicity is None else points.helicity[rows]
        squared = squared_of(source, momenta, assignment.subprocess, alpha_s, states, ("colour",))
        if squared.colour is None:
            message = f"matrix element of {sub.label}: no weights for its colour flows"
            raise IntegrandError(message)
        flows[rows] = _choose(squared.colour, random)
    return flows


def _batch(
    process: ScatteringProcess,
    points: Points,
    weight: Tensor,
    chosen: Tensor,
    flows: Tensor,
    info: RunInfo,
) -> EventBatch:
    n, legs = points.momenta.shape[:2]
    n_in = process.phase_space.n_incoming
    resonances = process.process.resonances
    total = legs + len(resonances)
    pdg, colour, anticolour, ids = _flavour_table(process, chosen, flows)
    momenta = points.momenta.detach().cpu().numpy()
    masses = np.array(process.matrix_element.masses)
    # Rows: incoming, resonances, outgoing.
    order = [*range(n_in), *(legs + i for i in range(len(resonances))), *range(n_in, legs)]
    row_of = {leg: row for row, leg in enumerate(order)}
    four = np.empty((n, legs + len(resonances), 4))
    four[:, :legs] = momenta
    mass = np.empty((n, total))
    mass[:, :legs] = masses
    mothers = np.zeros((total, 2), dtype=np.int32)
    status = np.empty(total, dtype=np.int32)
    status[:n_in], status[n_in:legs], status[legs:] = INCOMING, OUTGOING, INTERMEDIATE
    mothers[n_in:] = (1, n_in)
    flavour = np.zeros((n, total), dtype=np.int32)
    flavour[:, :legs] = pdg
    # Outer resonances first, so that a particle is left with the innermost as its mother.
    for i in sorted(range(len(resonances)), key=lambda i: -len(resonances[i].children)):
        resonance = resonances[i]
        four[:, legs + i] = sum(momenta[:, child] for child in resonance.children)
        p = four[:, legs + i]
        square = p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1)
        mass[:, legs + i] = np.sqrt(np.maximum(square, 0.0))
        flavour[:, legs + i] = resonance.pdg
        inner = {legs + j for j, r in enumerate(resonances) if _inside(r, resonance)}
        for child in {*resonance.children, *inner}:
            mothers[child] = row_of[legs + i] + 1

    def each(row_values: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.tile(row_values[order], n)

    def flat(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values[:, order].reshape(-1)

    particles = {
        "pdg_id": flat(flavour),
        "status": each(status),
        "mother1": each(mothers[:, 0]),
        "mother2": each(mothers[:, 1]),
        "colour1": flat(colour),
        "colour2": flat(anticolour),
        "px": flat(four[:, :, 1]),
        "py": flat(four[:, :, 2]),
        "pz": flat(four[:, :, 3]),
        "e": flat(four[:, :, 0]),
        "mass": flat(mass),
        "lifetime": np.zeros(n * total),
        "spin": flat(_spins(process, points, chosen, total)),
    }
    event = {
        "process_id": ids,
        "weight": weight.detach().cpu().numpy(),
        "scale": points.mu_f.detach().cpu().numpy(),
        "alpha_qed": np.full(n, process.matrix_element.alpha_qed),
        "alpha_qcd": points.alpha_s.detach().cpu().numpy(),
    }
    return EventBatch.from_columns(info, np.full(n, total, dtype=np.int64), event, particles)


def _spins(
    process: ScatteringProcess, points: Points, chosen: Tensor, total: int
) -> NDArray[np.float64]:
    """SPINUP of legs and resonances, `(n, total)`."""
    spins = np.full((points.momenta.shape[0], total), ANY_HELICITY)
    if points.helicity is not None:
        states = np.array(process.helicities, dtype=np.float64)[points.helicity.cpu().numpy()]
        mirrored = np.array([a.mirrored for a in process.assignments])[chosen.cpu().numpy()]
        states[mirrored, :2] = states[mirrored, 1::-1]
        spins[:, : states.shape[1]] = states
    return spins


def _inside(inner: Resonance, outer: Resonance) -> bool:
    """True if one resonance is among the decay products of another."""
    return set(inner.children) < set(outer.children)


def _carried(resonance: Resonance, flow: ColourFlow) -> tuple[int, int]:
    """Colour and anticolour of a resonance: the lines of its products that do not end among them.

    Raises:
        IntegrandError: if more than one line of a kind is left, which no particle carries.
    """
    colours = {flow[child][0] for child in resonance.children} - {0}
    anticolours = {flow[child][1] for child in resonance.children} - {0}
    left, left_anti = sorted(colours - anticolours), sorted(anticolours - colours)
    if len(left) > 1 or len(left_anti) > 1:
        message = (
            f"resonance {resonance.pdg}: its products leave colours {left} and anticolours "
            f"{left_anti} open; a particle carries one of each at most"
        )
        raise IntegrandError(message)
    return (left[0] if left else 0, left_anti[0] if left_anti else 0)


def _flavour_table(
    process: ScatteringProcess, chosen: Tensor, flows: Tensor
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """PDG ids of the legs `(n, m)`, colours and anticolours of legs and resonances, LPRUP `(n,)`."""
    pdg, colour, anticolour, ids = [], [], [], []
    deepest = max(len(s.colour_flows) for s in process.matrix_element.subprocesses)
    for assignment in process.assignments:
        sub = process.matrix_element.subprocesses[assignment.subprocess]
        for number in range(deepest):
            flow = sub.colour_flows[min(number, len(sub.colour_flows) - 1)]
            if assignment.mirrored:
                flow = (flow[1], flow[0], *flow[2:])
            flow = (*flow, *(_carried(r, flow) for r in process.process.resonances))
            pdg.append(assignment.pdg)
            colour.append([line[0] for line in flow])
            anticolour.append([line[1] for line in flow])
            ids.append(sub.process_id)
    rows = (chosen * deepest + flows).cpu().numpy()
    return (
        np.array(pdg, dtype=np.int32)[rows],
        np.array(colour, dtype=np.int32)[rows],
        np.array(anticolour, dtype=np.int32)[rows],
        np.array(ids, dtype=np.int32)[rows],
    )
