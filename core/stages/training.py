"""The first stage of a run: the sampler is trained and saved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from crosshook.core.config import HistogramSpec
from crosshook.core.execute import one_thread
from crosshook.core.histograms import standard_set
from crosshook.core.learning.checkpoint import CheckpointFolder
from crosshook.core.report.reading import read_record
from crosshook.core.sampling.build import build_context
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.saved_components import save_components
from crosshook.core.train import train
from crosshook.core.training_result import TrainingResult

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.stages.staged_run import StagedRun

SURVEY_POINTS = 4096
"""Points from which the ranges of standard histograms are chosen."""


@dataclass(frozen=True)
class Trained:
    """What the training leaves.

    Attributes:
        result: for the report.
        shares: p_c for the integration, `(k,)`.
        histograms: to fill.
        models: directories of what was saved, by name.
        composition: how they make a proposal.
    """

    result: TrainingResult
    shares: Tensor
    histograms: tuple[HistogramSpec, ...]
    models: dict[str, Path]
    composition: Composition


def train_stage(run: StagedRun) -> Trained:
    """Trains the sampler and saves it."""
    found = run.records.find("train")
    if found is not None:
        return _taken_up(run, found)
    checkpoints = CheckpointFolder(run.directory.training, run.records.run)
    with one_thread():
        context = build_context(run.config, run.process, run.reporter)
        result, shares = train(
            run.plan,
            run.sampler,
            context,
            run.registry,
            run.reporter.iteration,
            checkpoints,
        )
    models = save_components(run.sampler, run.config, context, run.registry, run.directory.model)
    composition = run.sampler.composition
    run.directory.write_json(run.directory.composition, composition.as_json())
    histograms = _histograms(run, shares)
    run.note(f"train: {result.evaluations} evaluations")
    values = {
        "result": asdict(result),
        "shares": shares.tolist(),
        "histograms": [asdict(h) for h in histograms],
        "models": list(models),
    }
    run.records.keep("train", values)
    run.directory.clear_training()
    return Trained(result, shares, histograms, models, composition)


def _taken_up(run: StagedRun, found: dict[str, object]) -> Trained:
    """What an earlier training left."""
    histograms = cast("list[dict[str, Any]]", found["histograms"])
    return Trained(
        read_record(found["result"], TrainingResult, "train"),
        torch.tensor(found["shares"], dtype=torch.float64, device="cpu"),
        tuple(HistogramSpec(**h) for h in histograms),
        {name: run.directory.model(name) for name in cast("list[str]", found["models"])},
        Composition.from_json(run.directory.read_json(run.directory.composition)),
    )


def _histograms(run: StagedRun, shares: Tensor) -> tuple[HistogramSpec, ...]:
    """Those of the run file, or the standard set of the process."""
    if run.config.histograms:
        return run.config.histograms
    with one_thread(), torch.no_grad():
        survey = run.sampler.draw(run.config.seed, "survey", 0, SURVEY_POINTS, shares)
    return tuple(standard_set(run.process, survey))
