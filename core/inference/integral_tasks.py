"""Integrals of events as tasks of an executor: a worker builds the process again, once.

What was trained is read from the cache; parts of the integrals are files there, so that those of an
inference that was stopped are not computed again.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save

from crosshook.core.execute import Task, in_order
from crosshook.core.inference.cache import Cache
from crosshook.core.inference.integrals import EventIntegrals, block_size, integrate_events
from crosshook.core.inference.prepared import build_model, parameter_grid, prepare
from crosshook.core.inference.run_file import resolve_inference
from crosshook.core.progress import Silent
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from crosshook.core.execute import Executor
    from crosshook.core.inference.config import InferenceConfig
    from crosshook.core.inference.integrals import IntegralSettings
    from crosshook.core.inference.model import DensityTally
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress

FUNCTION = "crosshook.core.inference.integral_tasks:integrate_part"
TALLY = "tally"
"""Values of dσ in a part, and how many of them were negative."""
EVENTS = 256
"""Of a task, in whole blocks."""


@dataclass(frozen=True)
class Recipe:
    """What a worker makes a process from.

    Attributes:
        document: the run file with every default, as JSON.
        folder: that its relative paths are taken from.
        where: its name, for messages.
        cache: where trained components are.
        process: name of the process.
    """

    document: str
    folder: str
    where: str
    cache: str
    process: str


@dataclass(frozen=True)
class Workers:
    """Who integrates, if not this process.

    Attributes:
        executor: ready for tasks.
        config: of the inference.
    """

    executor: Executor
    config: InferenceConfig

    def integrate(
        self,
        process: str,
        tally: DensityTally,
        key: str,
        reco: Features,
        settings: IntegralSettings,
        progress: Progress,
        *,
        keep: bool,
        stage: str,
    ) -> EventIntegrals:
        """The same as `integrate_events`, bit by bit.

        Args:
            process: its name.
            tally: of its density; values that workers asked for are added.
            key: checksum of the process, the events and the settings.
            reco: the events.
            settings: how many points, of what kind.
            progress: told how far it is.
            keep: keep the replicas of every event.
            stage: names the random stream, and what is shown.
        """
        config = self.config
        folder = config.cache.absolute()
        recipe = Recipe(
            json.dumps(config.document),
            str(config.folder.absolute()),
            config.where,
            str(folder),
            process,
        )
        size = block_size(settings)
        step = max(1, EVENTS // size) * size
        starts = range(0, len(reco), step)
        names = [f"part-{key}-{first}.safetensors" for first in starts]
        tasks = [
            Task(
                number,
                FUNCTION,
                {
                    "recipe": recipe,
                    "reco": reco.select(slice(first, first + step)),
                    "first": first // size,
                    "settings": settings,
                    "keep": keep,
                    "stage": stage,
                    "output": str(folder / name),
                },
            )
            for number, (first, name) in enumerate(zip(starts, names, strict=True))
            if not (folder / name).is_file()
        ]
        done = len(names) - len(tasks)
        for _ in in_order(self.executor, tasks):
            done += 1
            progress.update(stage, min(done * step, len(reco)), len(reco))
        found = [load_file(folder / name) for name in names]
        for name, part in zip(names, found, strict=True):
            evaluated, negative = part[TALLY].tolist()
            tally.evaluated += evaluated
            tally.negative += negative
            (folder / name).unlink()
        return EventIntegrals(
            torch.cat([part["log_value"] for part in found], dim=1),
            torch.cat([part["relative_error"] for part in found]),
            torch.cat([part["effective"] for part in found]),
            torch.cat([part["deviations"] for part in found]) if keep else None,
            int(found[0]["points"]),
        )


def integrate_part(
    recipe: Recipe,
    reco: Features,
    first: int,
    settings: IntegralSettings,
    keep: bool,
    stage: str,
    output: str,
) -> int:
    """Integrates some of the events and writes a file; the task of a worker.

    Args:
        recipe: of the process.
        reco: these events.
        first: number of their first block among those of all events.
        settings: how many points, of what kind.
        keep: keep the replicas of every event.
        stage: names the random stream.
        output: path of the file.

    Returns:
        How many events there were.
    """
    process = _prepared(recipe)
    before = replace(process.model.tally)
    made = integrate_events(
        process.model,
        process.transfers,
        process.proposal,
        reco,
        process.theta,
        settings,
        Silent(),
        keep=keep,
        stage=stage,
        first=first,
    )
    tally = process.model.tally
    counts = [tally.evaluated - before.evaluated, tally.negative - before.negative]
    tensors = {**made.tensors(), TALLY: torch.tensor(counts, device="cpu")}
    write_whole(Path(output), save(tensors))
    return len(reco)


@functools.lru_cache(maxsize=4)
def _prepared(recipe: Recipe) -> PreparedProcess:
    config = resolve_inference(json.loads(recipe.document), recipe.where, Path(recipe.folder))
    models = {process.name: build_model(process, config) for process in config.processes}
    process = next(p for p in config.processes if p.name == recipe.process)
    grid = parameter_grid(models, config)
    return prepare(process, grid, config, Cache(Path(recipe.cache)), Silent())
