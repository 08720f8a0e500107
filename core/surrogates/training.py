"""Training a surrogate as a run file says: points, fit, evaluation, model, card, report."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook.core import random
from crosshook.core.errors import (
    ConfigurationError,
    InputError,
    ModelError,
    NumericalError,
    RegistryError,
)
from crosshook.core.execute import one_thread
from crosshook.core.interfaces.training import Budget, FitReport
from crosshook.core.progress import Silent
from crosshook.core.provenance import versions
from crosshook.core.results import as_json
from crosshook.core.surrogates.checkpoints import SurrogateCheckpoints
from crosshook.core.surrogates.directory import SurrogateDirectory
from crosshook.core.surrogates.evaluation import evaluate_surrogate
from crosshook.core.surrogates.model_card import model_card
from crosshook.core.surrogates.models import INTERFACE, save_surrogate, surrogate_context
from crosshook.core.surrogates.points import gather_points, split
from crosshook.core.surrogates.result import FORMAT, SurrogateReport
from crosshook.core.surrogates.run_file import load_surrogate_file
from crosshook.core.surrogates.training_set import TableSource, TrainableSurrogate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.context import BuildContext
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.progress import Progress
    from crosshook.core.surrogates.points import Points
    from crosshook.core.surrogates.run_file import SurrogateConfig

WIDTH_ALLOWED = 0.1
"""Pull widths further from 1 than this are said to be."""
HOPELESS = (ConfigurationError, InputError, ModelError, NumericalError, RegistryError)
"""What would come again, so that there is nothing to go on with."""
FEWEST_HELD_OUT = 1000
"""Points on which a figure of the tails means something."""


@dataclass(frozen=True)
class _Taught:
    """A surrogate after its training.

    Attributes:
        surrogate: trained.
        fitted: what it reports.
        wall: seconds on the clock.
        processor: seconds of the processor.
    """

    surrogate: AmplitudeSurrogate
    fitted: FitReport
    wall: float
    processor: float


def train_surrogate(
    path: Path | str,
    *,
    settings: Sequence[str] = (),
    output: Path | str | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> SurrogateReport:
    """Trains a surrogate and writes model, card and report.

    Args:
        path: of the run file; see schemas/v1/surrogate.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        overwrite: replace a surrogate that is there already.
        progress: told how far it is.
        workers: processes that compute |M|² of points, instead of the file's.
        executor: computes |M|² of points, and is left open; that of the file if None.

    Raises:
        CrosshookError: whatever a user can cause, in one line.
    """
    config = load_surrogate_file(
        Path(path),
        settings=settings,
        output=None if output is None else Path(output),
        seed=seed,
        workers=workers,
    )
    return train_from(config, overwrite=overwrite, progress=progress, executor=executor)


def resume_surrogate(
    path: Path | str, *, progress: Progress | None = None, workers: int | None = None
) -> SurrogateReport:
    """Goes on with a training that was stopped, to the model it would have had, bit by bit.

    Args:
        path: directory of the surrogate.
        progress: told how far it is.
        workers: processes that compute |M|² of missing points; this one alone if None.

    Raises:
        CrosshookError: if there is no unfinished training, or what is left of it is damaged.
    """
    return train_from(unfinished_training(Path(path), workers), resumed=True, progress=progress)


def unfinished_training(path: Path, workers: int | None = None) -> SurrogateConfig:
    """The run file of a training that was stopped, by any number of workers.

    Raises:
        CrosshookError: if there is none, or it is damaged.
    """
    run_file, folder = SurrogateCheckpoints(SurrogateDirectory(path).checkpoints).run_file()
    return load_surrogate_file(run_file, output=path, folder=folder, workers=workers)


def train_from(
    config: SurrogateConfig,
    *,
    overwrite: bool = False,
    resumed: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> SurrogateReport:
    """Trains as a run file says that is read already; see `train_surrogate`."""
    directory = SurrogateDirectory(config.directory)
    checkpoints = SurrogateCheckpoints(directory.checkpoints)
    shown = progress if progress is not None else Silent()
    if resumed:
        changes = checkpoints.go_on(config.document)
        return _trained(config, directory, checkpoints, changes, shown, executor)
    directory.check_free(overwrite)
    checkpoints.begin(config.document, config.folder)
    try:
        return _trained(config, directory, checkpoints, (), shown, executor)
    except HOPELESS:
        checkpoints.end()
        with suppress(OSError):  # it holds the surrogate that was there before
            directory.path.rmdir()
        raise


def _trained(
    config: SurrogateConfig,
    directory: SurrogateDirectory,
    checkpoints: SurrogateCheckpoints,
    changes: tuple[str, ...],
    shown: Progress,
    executor: Executor | None,
) -> SurrogateReport:
    """Points, training, judgement and all files; goes on where the checkpoints are."""
    start = time.perf_counter()
    points = checkpoints.points
    if points is None:
        found = gather_points(config, shown, checkpoints.drawing, executor)
        points = checkpoints.keep_points(found)
    gathered = time.perf_counter() - start
    if config.registry.get(INTERFACE, config.slot.use).component.capabilities.trainable:
        training, held = split(points.table, config.held_out, config.seed)
    else:
        training, held = points.table.select(slice(0, 0)), points.table
    context = surrogate_context(
        len(points.table.pdg[0]),
        device=config.device,
        rng=random.torch_generator(config.seed, "train surrogate"),
        progress=shown,
        registry=config.registry,
        store=checkpoints,
    )
    with one_thread():
        taught = _taught(config, TableSource(training), len(training), context)
        evaluation = evaluate_surrogate(taught.surrogate, held.to(context.torch_device))
    title = str(config.card.get("title", points.process))
    report = SurrogateReport(
        format=FORMAT,
        title=title,
        process=points.process,
        pdg=points.table.pdg,
        component=config.slot.use,
        options=dict(config.slot.options),
        source=points.source,
        points=len(training),
        losses=tuple(float(loss) for loss in taught.fitted.losses),
        notes=(*changes, *taught.fitted.notes, *_warnings(evaluation.pull_width, evaluation.n)),
        evaluation=evaluation,
        point_seconds=gathered,
        training_seconds=taught.wall,
        training_processor_seconds=taught.processor,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        configuration=dict(config.document),
    )
    save_surrogate(taught.surrogate, directory.model, config.slot, context)
    _write(config, directory, points, report)
    checkpoints.end()
    return report


def _taught(
    config: SurrogateConfig, source: TableSource, points: int, context: BuildContext
) -> _Taught:
    surrogate = config.registry.build(INTERFACE, config.slot, context, "surrogate")
    if not points:
        note = f"{config.slot.use} does not learn: all points judge it"
        return _Taught(
            cast("AmplitudeSurrogate", surrogate), FitReport(0, notes=(note,)), 0.0, 0.0
        )
    if not isinstance(surrogate, TrainableSurrogate):
        message = f"amplitude_surrogate {config.slot.use!r} is declared trainable, but has no fit"
        raise RegistryError(message)
    start, began = time.perf_counter(), time.process_time()
    fitted = surrogate.fit(source, Budget(points), context)
    return _Taught(
        cast("AmplitudeSurrogate", surrogate),
        fitted,
        time.perf_counter() - start,
        time.process_time() - began,
    )


def _warnings(width: float | None, held: int) -> tuple[str, ...]:
    found = []
    if held < FEWEST_HELD_OUT:
        found.append(f"judged on {held} points only: figures of the tails are rough")
    if width is not None and abs(width - 1) > WIDTH_ALLOWED:
        word = "small" if width > 1 else "large"
        found.append(f"predicted errors are too {word}: pulls have width {width:.2f}")
    return tuple(found)


def _write(
    config: SurrogateConfig, directory: SurrogateDirectory, points: Points, report: SurrogateReport
) -> None:
    directory.write_run_file(config.document)
    directory.write_json(directory.card, model_card(config, points, report, directory.model))
    directory.write_json(directory.report, as_json(report))
    if config.html:
        from crosshook.core.report.trained_surrogate import write_surrogate_html

        write_surrogate_html(report, directory.page)
