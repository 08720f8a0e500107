"""What is settled before events are generated: a pilot gives maxima, these the shares of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.errors import NumericalError
from crosshook.core.integrate import integrate
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.pilot import points_count, run_pilot
from crosshook.core.produce import Frozen
from crosshook.core.sampling.build import UNWEIGHTER, SamplerSpec, build_context
from crosshook.core.sampling.sampler import shares_from
from crosshook.core.sampling.saved_components import save_component
from crosshook.core.statistics import efficiency

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.interfaces.unweighter import TwoStageUnweighter, Unweighter
    from crosshook.core.sampling.sums import Sums
    from crosshook.core.stages.staged_run import StagedRun
    from crosshook.core.stages.training import Trained

SHARE_FLOOR = 1e-3
"""No channel is drawn with less than a thousandth of an even share."""


def settle(run: StagedRun, trained: Trained, integrated: Sums, models: dict[str, Path]) -> Frozen:
    """The pilot, and what follows from it.

    Args:
        run: whose events are to be generated.
        trained: its sampler.
        integrated: sums of the integration, to which those of the pilot are added.
        models: of the sampler; a fitted unweighter that has a state joins them.
    """
    slot = run.config.unweighter
    found = run.records.find("pilot")
    if found is not None:
        if run.registry.get(UNWEIGHTER, slot.use).component.capabilities.stateful:
            models[UNWEIGHTER] = run.directory.model(UNWEIGHTER)
        return Frozen.from_json(found)
    pilot, sums = weigh_pilot(run, trained, models)
    unweighter, notes = _fit_unweighter(run, pilot, models)
    maxima = unweighter.maxima().cpu().numpy()
    frozen = Frozen(
        maxima,
        shares_from(maxima, SHARE_FLOOR),
        integrated + sums,
        trained.histograms,
        notes,
        sums.n,
        None
        if run.config.surrogate is None
        else cast("TwoStageUnweighter", unweighter).expectation(),
        pilot.costs,
        counted=run.config.surrogate is None or points_count(pilot, unweighter),
    )
    # A surrogate's losses may be no numbers; the state is read by crosshook alone.
    run.directory.write_json(run.directory.state, frozen.as_json(), finite=False)
    run.records.keep("pilot", frozen.as_json())
    return frozen


def weigh_pilot(run: StagedRun, trained: Trained, models: dict[str, Path]) -> tuple[Pilot, Sums]:
    """Weights to choose the maxima from, with a surrogate's estimates if there is one."""
    spec = SamplerSpec.of(run.config, models, trained.composition)
    if run.config.surrogate is not None:
        return run_pilot(
            spec,
            run.executor,
            run.reporter,
            seed=run.config.seed,
            evaluations=run.config.pilot,
            shares=trained.shares,
        )
    found = integrate(
        spec,
        run.executor,
        run.reporter,
        seed=run.config.seed,
        stage="pilot",
        evaluations=run.config.pilot,
        shares=trained.shares,
        biased=run.config.bias is not None,
    )
    channel = np.concatenate([np.full(w.size, c) for c, w in enumerate(found.weights)])
    pilot = Pilot(
        torch.from_numpy(np.concatenate(found.weights)).to(run.process.device),
        torch.from_numpy(channel).to(run.process.device),
        run.sampler.n_channels,
    )
    return pilot, found.sums


def _fit_unweighter(
    run: StagedRun, pilot: Pilot, models: dict[str, Path]
) -> tuple[Unweighter, tuple[str, ...]]:
    """The unweighter with its maxima, saved, and what it says about them."""
    context = build_context(run.config, run.process, None)
    slot = run.config.unweighter
    unweighter = cast(
        "Unweighter",
        run.registry.build("unweighter", slot, context, "generate.unweighter"),
    )
    if slot.model is not None:
        notes: tuple[str, ...] = ("saved model",)
    else:
        notes = unweighter.fit(pilot, random.torch_generator(run.config.seed, "unweighter"))
    if run.config.bias is not None:
        weight, channel = pilot.weight.cpu().numpy(), pilot.channel.cpu().numpy()
        weights = [weight[channel == c] for c in range(pilot.n_channels)]
        notes += (f"ε(0.1 %) of |w|·b in the pilot: {efficiency(weights).value:.1%}",)
    if not bool((unweighter.maxima() > 0).any()):
        message = "every point of the pilot has weight 0; nothing can be generated"
        raise NumericalError(message)
    folder = run.directory.model(UNWEIGHTER)
    if save_component(UNWEIGHTER, slot, unweighter, context, run.registry, folder):
        models[UNWEIGHTER] = folder
    return unweighter, notes
