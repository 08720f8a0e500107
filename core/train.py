"""Training: the component trains itself on draws that core weighs, counts and records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.interfaces.training import Budget, Trainable
from crosshook.core.results import IterationResult, TrainingResult
from crosshook.core.sampling.build import build_context
from crosshook.core.sampling.invalid import check_invalid, invalid_notes
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.sampling.source import SamplerSource
from crosshook.core.statistics import chi_squared

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.config import RunConfig
    from crosshook.core.interfaces.training import Iteration
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.sampler import Sampler


def train(
    config: RunConfig,
    sampler: Sampler,
    progress: Progress,
    listener: Callable[[IterationResult], None],
) -> tuple[TrainingResult, Tensor]:
    """Trains the channel mapping of a run.

    Args:
        config: the run.
        sampler: its untrained sampler; the mapping is trained in place.
        progress: told how far it is.
        listener: told about each iteration.

    Returns:
        What happened, and the channel shares for the integration, `(k,)`.

    Raises:
        NumericalError: if too many points are invalid.
    """
    start = time.perf_counter()
    mapping = sampler.mapping
    slot = config.channel_mapping
    saved = slot.model is not None and slot.train is None
    budget = 0 if saved else config.train_evaluations
    if not isinstance(mapping, Trainable) or budget == 0:
        why = (
            "saved model"
            if saved
            else f"{slot.use} needs no training"
            if not isinstance(mapping, Trainable)
            else "untrained: sampling.evaluations is 0"
        )
        nothing = TrainingResult(0, (), 0.0, 0, True, (why,), time.perf_counter() - start)
        return nothing, even_shares(sampler.n_channels)

    def heard(iteration: Iteration) -> None:
        assert source.sums is not None
        check_invalid(source.sums, config.max_invalid_fraction, source.invalid)
        listener(_result(iteration))

    source = SamplerSource(sampler, config.seed, heard)
    context = build_context(config, sampler.integrand, progress)
    with torch.no_grad():
        report = mapping.fit(source, Budget(budget), context)
    notes = report.notes
    if source.sums is not None:
        notes += invalid_notes(source.sums, source.invalid)
    history = tuple(_result(i) for i in source.history)
    chi2, dof = chi_squared(
        np.array([i.estimate for i in history]), np.array([i.error for i in history])
    )
    result = TrainingResult(
        source.evaluations, history, chi2, dof, False, notes, time.perf_counter() - start
    )
    return result, source.shares


def _result(iteration: Iteration) -> IterationResult:
    return IterationResult(
        iteration.evaluations,
        iteration.estimate,
        iteration.error,
        iteration.channel_estimates,
        iteration.channel_errors,
    )
