"""Before the first iteration: inputs of all events, and weights without negative ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError
from crosshook.plugins.unfold.omnifold.inputs import Form, Inputs
from crosshook.plugins.unfold.omnifold.positive import positive

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.unfolder import Measured, Simulation
    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.events import Events
    from crosshook.plugins.unfold.omnifold.settings import Settings


@dataclass(frozen=True)
class Prepared:
    """What iterations work on. n truth rows, m simulated reco rows, l measured ones.

    Attributes:
        source: truth row of simulated reco rows, -1 of fakes, `(m,)` int64.
        truth: inputs of the n truth rows.
        truth_weight: generator weights made positive, `(n,)`.
        reco: inputs of the m simulated and then the l measured rows.
        seen_weight: generator weights of the simulated reco rows, made positive, `(m,)`.
        data_weight: measured weights made positive, background taken off, `(l,)`.
        notes: sentences for the report.
    """

    source: Tensor
    truth: Inputs
    truth_weight: Tensor
    reco: Inputs
    seen_weight: Tensor
    data_weight: Tensor
    notes: tuple[str, ...]


def prepare(
    events: Events, settings: Settings, rng: torch.Generator, progress: Progress
) -> Prepared:
    """Makes inputs and positive weights.

    Args:
        events: sorted.
        settings: of the component.
        rng: on the CPU.
        progress: told how far it is.

    Raises:
        InputError: if there is no column to learn from.
    """
    use_sets = settings.network in ("auto", "sets")
    notes = []
    forms = []
    for level, rows, weight in (
        ("truth", events.truth, events.weight.abs()),
        ("reco", events.seen, events.seen_weight.abs()),
    ):
        if not rows.names and not (use_sets and rows.sets):
            message = f"omnifold: no column of {level} that network {settings.network} looks at"
            raise InputError(message)
        if rows.sets and not use_sets:
            notes.append(f"{level}: sets of objects are not looked at: {', '.join(rows.sets)}")
        if not rows.sets and settings.network == "sets":
            notes.append(f"{level}: there are no sets of objects, dense columns alone are used")
        forms.append(Form.of(rows, weight, settings.knots, use_sets))
    truth, seen, data = forms[0](events.truth), forms[1](events.seen), forms[1](events.data)
    weight, seen_weight, data_weight = events.weight, events.seen_weight, events.data_weight
    if bool((weight < 0).any()) or bool((seen_weight < 0).any()):
        both, size = _levels(events, truth, seen)
        weights = torch.cat([weight, seen_weight[~events.matched]])
        found, nothing = positive(both, weights, settings, rng, progress)
        weight, seen_weight = found[: len(weight)], seen_weight.clone()
        seen_weight[events.matched] = weight[events.source[events.matched]]
        seen_weight[~events.matched] = found[len(weight) :]
        notes.append(
            f"negative generator weights: {nothing} of {size} simulated events are where the "
            "density would be negative and count as 0 in the training"
        )
    if bool((data_weight < 0).any()):
        count = int((data_weight < 0).sum())
        # A background may be narrow, in a tail of the simulation: ranks among the data resolve it.
        own = Form.of(events.data, data_weight.abs(), settings.knots, use_sets)(events.data)
        data_weight, nothing = positive(own, data_weight, settings, rng, progress)
        notes.append(
            f"{count} events are subtracted from the data; {nothing} of "
            f"{len(data_weight)} are where nothing is left"
        )
    return Prepared(
        events.source, truth, weight, seen.and_then(data), seen_weight, data_weight, tuple(notes)
    )


def _levels(events: Events, truth: Inputs, seen: Inputs) -> tuple[Inputs, int]:
    """Inputs of both levels of truth rows and then of fakes, and how many they are."""
    n, fakes = len(truth), torch.nonzero(~events.matched)[:, 0]
    rows, matched = events.source[events.matched], torch.nonzero(events.matched)[:, 0]
    device = events.source.device
    total = n + len(fakes)
    at_truth = torch.arange(total, device=device).clamp(max=n - 1)
    at_reco = torch.zeros(total, dtype=torch.int64, device=device)
    has_truth = torch.arange(total, device=device) < n
    has_reco = ~has_truth
    at_reco[rows], has_reco[rows] = matched, True
    at_reco[n:] = fakes
    both = truth.rows(at_truth).beside(seen.rows(at_reco), has_truth, has_reco)
    return both, total


def fingerprint(simulation: Simulation, measured: Measured, background: Measured | None) -> str:
    """Says which events a fit was made to."""
    digest = hashlib.sha256()
    for tensor in (simulation.weight, simulation.has_truth, simulation.has_reco):
        _add(digest, tensor)
    _add_features(digest, simulation.truth)
    _add_features(digest, simulation.reco)
    for sample in (measured, background):
        if sample is not None:
            _add(digest, sample.weight)
            _add_features(digest, sample.reco)
    return digest.hexdigest()


def _add_features(digest: hashlib._Hash, features: Features) -> None:
    digest.update(repr((features.names, list(features.sets))).encode())
    _add(digest, features.dense)
    for values, mask in features.sets.values():
        _add(digest, values)
        _add(digest, mask)


def _add(digest: hashlib._Hash, tensor: Tensor) -> None:
    digest.update(repr(tuple(tensor.shape)).encode())
    digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
