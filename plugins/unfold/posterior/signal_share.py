"""How much of a measured event counts: what is neither background nor a fake.

Two classifiers on reco: background (and measured events of negative weight) against data, and
simulated events without truth against those with. Both give the share as a function of reco, so
that every measured event keeps a weight that is not negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.dense import Dense
from crosshook.plugins.unfold.posterior.ratio import learn_ratio, log_ratio

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.posterior.ranks import Columns
    from crosshook.plugins.unfold.posterior.samples import Samples

HIDDEN = 32
FEW = 500
"""Rows of the rarer kind below which the logit is linear in the inputs: a network would learn them
by heart."""


def true_weights(
    samples: Samples,
    columns: Columns,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> tuple[Tensor, tuple[str, ...]]:
    """Weights of the measured events as events with truth: background and fakes taken out.

    Args:
        samples: what is given.
        columns: ranks of reco.
        lesson: how to train the classifiers.
        rng: on the CPU.
        progress: told how far it is.

    Returns:
        Weights `(l,)` that add up to the data minus the background minus its share of fakes, and
        sentences for the report.
    """
    seen = columns.inputs(samples.data).to(torch.float32)
    weight, notes = samples.data_weight, []
    if len(samples.removed):
        share = samples.removed_weight.sum() / weight.sum()
        network = _network(columns, min(len(samples.removed), len(seen)), rng, seen.device)
        removed = columns.inputs(samples.removed).to(torch.float32)
        learn_ratio(network, removed, samples.removed_weight, seen, weight, lesson, rng, progress)
        odds = share * log_ratio(network, seen).exp()
        full = int((odds >= 1.0).sum())
        kept = weight * (1.0 - odds).clamp(min=0.0)
        weight = kept * ((weight.sum() - samples.removed_weight.sum()) / kept.sum())
        notes.append(
            f"{float(share):.4g} of the measured weight is background; {full} measured events "
            "are nothing else and have weight 0"
        )
    if len(samples.fake) and float(samples.fake_weight.sum()) > 0.0:
        matched = columns.inputs(samples.reco).to(torch.float32)
        fake = columns.inputs(samples.fake).to(torch.float32)
        network = _network(columns, len(samples.fake), rng, seen.device)
        learn_ratio(
            network,
            fake,
            samples.fake_weight,
            matched,
            samples.matched_weight,
            lesson,
            rng,
            progress,
        )
        total = samples.fake_weight.sum()
        odds = total / samples.matched_weight.sum()

        def chance(inputs: Tensor) -> Tensor:
            return torch.sigmoid(log_ratio(network, inputs) + odds.log())

        # The simulation's own number of fakes calibrates the classifier.
        found = (chance(fake) * samples.fake_weight).sum()
        found = found + (chance(matched) * samples.matched_weight).sum()
        fakes = (chance(seen) * (total / found)).clamp(max=1.0)
        notes.append(f"{float((fakes * weight).sum() / weight.sum()):.4g} of the data are fakes")
        weight = weight * (1.0 - fakes)
    return weight, tuple(notes)


def _network(columns: Columns, rows: int, rng: torch.Generator, device: torch.device) -> Dense:
    """A classifier that begins undecided, of a size the rows of the rarer kind can teach."""
    hidden = [] if rows < FEW else [HIDDEN, HIDDEN]
    network = Dense.random((columns.width, *hidden, 1), rng, torch.float32, device)
    network.matrices[-1].zero_()
    return network
