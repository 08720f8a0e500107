"""The points of a run file: drawn, from tables or from events; shuffled and split."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.context import BuildContext
from crosshook.core.events.batch_tasks import BatchWorkers
from crosshook.core.events.particle_names import particle_name
from crosshook.core.execute import one_thread, opened
from crosshook.core.sampling.build import (
    MAPPING,
    WEIGHTS,
    SamplerSpec,
    build_context,
    build_process,
    build_sampler,
)
from crosshook.core.sampling.saved_components import save_components
from crosshook.core.surrogates.block_tasks import BlockWorkers
from crosshook.core.surrogates.event_source import EventWorkers, ProcessRecipe, read_points
from crosshook.core.surrogates.parquet_table import read_tables
from crosshook.core.surrogates.sampler_source import SampledAmplitudes
from crosshook.core.train import TrainingPlan, train

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.config import RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.process import Process
    from crosshook.core.progress import Progress
    from crosshook.core.surrogates.run_file import SurrogateConfig
    from crosshook.core.surrogates.training_set import AmplitudeTable

CHUNK = 1 << 20


@dataclass(frozen=True)
class Points:
    """All points with what is to be said of them.

    Attributes:
        table: the points.
        process: name for people.
        source: where they are from, in words.
        files: names and SHA-256 of files they were read from.
    """

    table: AmplitudeTable
    process: str
    source: str
    files: tuple[tuple[str, str], ...] = ()


def gather_points(
    config: SurrogateConfig,
    progress: Progress,
    folder: Path | None = None,
    executor: Executor | None = None,
) -> Points:
    """The points a run file asks for.

    Args:
        config: the run file.
        progress: told how far it is.
        folder: for files of workers; None leaves everything to this process.
        executor: computes |M|², and is left open; that of the run file if None.

    Raises:
        CrosshookError: if they cannot be drawn or read.
    """
    if config.table is not None:
        table = read_tables(config.table, config.alpha_s)
        names = _names(config.table.files)
        process = ", ".join(_reaction(pdg, table.n_incoming) for pdg in table.pdg)
        return Points(table, process, f"tables {names}", _digests(config.table.files))
    assert config.run is not None
    if config.draw is not None:
        return _drawn(config.run, config, config.draw, progress, folder, executor)
    return _of_events(config.run, config, progress, folder, executor)


def split(
    table: AmplitudeTable, held_out: float, seed: int
) -> tuple[AmplitudeTable, AmplitudeTable]:
    """The points of the training and those that judge it, at random; at least one of either."""
    rng = random.torch_generator(seed, "held out")
    order = torch.randperm(len(table), generator=rng, device="cpu")
    kept = min(max(1, round(held_out * len(table))), len(table) - 1)
    return table.select(order[kept:]), table.select(order[:kept])


def _of_events(
    run: RunConfig,
    config: SurrogateConfig,
    progress: Progress,
    folder: Path | None,
    executor: Executor | None,
) -> Points:
    registry = config.registry
    context = BuildContext(device=config.device, registry=registry)
    process = cast("Process", registry.build("process", run.process, context, "process"))
    with ExitStack() as stack:
        workers = None
        engine = _engine(stack, config, folder, executor)
        if engine is not None:
            slot = json.dumps(run.process.as_dict())
            recipe = ProcessRecipe(slot, run.disable, config.device, config.alpha_s)
            workers = EventWorkers(BatchWorkers(*engine), recipe)
        table = read_points(config.events, process, config.alpha_s, progress, workers)
    source = f"events of {_names(config.events)}"
    return Points(table, process.name, source, _digests(config.events))


def _engine(
    stack: ExitStack, config: SurrogateConfig, folder: Path | None, executor: Executor | None
) -> tuple[Executor, Path] | None:
    """The executor, ready for tasks, and its folder; None where this process does it all."""
    if folder is None or (executor is None and config.executor.use == "serial"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return stack.enter_context(opened(executor, config.executor, config.registry, folder)), folder


def _drawn(
    run: RunConfig,
    config: SurrogateConfig,
    n: int,
    progress: Progress,
    folder: Path | None,
    executor: Executor | None,
) -> Points:
    registry = config.registry
    plan = TrainingPlan(
        {MAPPING: run.channel_mapping, WEIGHTS: run.channel_weights},
        run.train_evaluations,
        run.training,
        run.groups,
        run.seed,
        run.max_invalid_fraction,
    )
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        process = build_process(run, registry)
        composition = plan.composition(registry)
        sampler = build_sampler(run, process, registry, {}, composition, progress)
        context = build_context(run, process, progress)
        _, shares = train(plan, sampler, context, registry, lambda _: None)
        workers = None
        engine = _engine(stack, config, folder, executor)
        if engine is not None:
            models = save_components(sampler, run, context, registry, engine[1].joinpath)
            workers = BlockWorkers(engine[0], SamplerSpec.of(run, models, composition), engine[1])
        source = SampledAmplitudes(
            sampler,
            shares,
            progress,
            seed=run.seed,
            block_size=run.block_size,
            allowed=run.max_invalid_fraction,
            workers=workers,
        )
        table = source.draw(n)
    how = run.channel_mapping.use
    trained = (
        f"trained on {run.train_evaluations:,} points" if run.train_evaluations else "untrained"
    )
    return Points(table, process.process.name, f"drawn from {how}, {trained}")


def _reaction(pdg: tuple[int, ...], n_incoming: int) -> str:
    """A subprocess by the names of its particles, e.g. `g g > t t~ g`."""
    names = [particle_name(kind) for kind in pdg]
    return f"{' '.join(names[:n_incoming])} > {' '.join(names[n_incoming:])}"


def _names(files: Sequence[Path]) -> str:
    return ", ".join(path.name for path in files)


def _digests(files: Sequence[Path]) -> tuple[tuple[str, str], ...]:
    found = []
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while data := stream.read(CHUNK):
                digest.update(data)
        found.append((path.name, digest.hexdigest()))
    return tuple(found)
