"""Training a transfer function as a run file says: events, fit, evaluation, model, report."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
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
from crosshook.core.interfaces.training import Budget
from crosshook.core.learning.begun import BegunTraining
from crosshook.core.progress import Silent
from crosshook.core.provenance import versions
from crosshook.core.results import as_json
from crosshook.core.transfer.checkpoints import TransferCheckpoints
from crosshook.core.transfer.directory import EXPRESSIONS, TransferDirectory, model_folder
from crosshook.core.transfer.evaluation import evaluate_transfer, evaluation_notes
from crosshook.core.transfer.models import (
    INTERFACE,
    load_transfer,
    save_transfer,
    transfer_context,
)
from crosshook.core.transfer.paired import PairedTable, TrainableTransfer
from crosshook.core.transfer.result import FORMAT, TransferReport
from crosshook.core.transfer.run_file import load_transfer_file
from crosshook.core.transfer.tables import read_paired

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress
    from crosshook.core.transfer.evaluation import TransferEvaluation
    from crosshook.core.transfer.run_file import TransferConfig

HOPELESS = (ConfigurationError, InputError, ModelError, NumericalError, RegistryError)
"""Errors of a beginning that going on would meet again."""


def train_transfer(
    path: Path,
    *,
    settings: Sequence[str] = (),
    output: Path | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TransferReport:
    """Trains a transfer function and writes model and report.

    Args:
        path: of the run file; see schemas/v1/transfer.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        overwrite: replace a transfer function that is there already.
        progress: told how far it is.

    Raises:
        CrosshookError: whatever a user can cause, in one line.
    """
    config = load_transfer_file(path, settings=settings, output=output, seed=seed)
    return train_from(config, overwrite=overwrite, progress=progress)


def resume_transfer(path: Path, *, progress: Progress | None = None) -> TransferReport:
    """Goes on with a training that was stopped, to the model it would have had, bit by bit.

    Args:
        path: directory of the transfer function.
        progress: told how far it is.

    Raises:
        CrosshookError: if there is no unfinished training, or what is left of it is damaged.
    """
    return train_from(unfinished_transfer(path), resumed=True, progress=progress)


def unfinished_transfer(path: Path) -> TransferConfig:
    """The run file of a training that was stopped.

    Raises:
        CrosshookError: if there is none, or it is damaged.
    """
    run_file, folder = BegunTraining(TransferDirectory(path).checkpoints).run_file()
    return load_transfer_file(run_file, output=path, folder=folder)


def train_from(
    config: TransferConfig,
    *,
    overwrite: bool = False,
    resumed: bool = False,
    progress: Progress | None = None,
) -> TransferReport:
    """Trains as a run file says that is read already; see `train_transfer`."""
    directory = TransferDirectory(config.directory)
    checkpoints = TransferCheckpoints(directory.checkpoints)
    shown = progress if progress is not None else Silent()
    if resumed:
        changes = checkpoints.begun.changes()
        return _trained(config, directory, checkpoints, changes, shown)
    directory.check_free(overwrite)
    checkpoints.begun.begin(config.document, config.folder)
    try:
        return _trained(config, directory, checkpoints, (), shown)
    except HOPELESS:
        checkpoints.begun.end()
        with suppress(OSError):  # it holds the transfer function that was there before
            directory.path.rmdir()
        raise


def _trained(
    config: TransferConfig,
    directory: TransferDirectory,
    checkpoints: TransferCheckpoints,
    changes: tuple[str, ...],
    shown: Progress,
) -> TransferReport:
    """Events, training, judgement and all files; goes on where the checkpoints are."""
    events = read_paired(config.events)
    checkpoints.open(config, events)
    _check_expressions(config, events.truth)
    events = events.shuffled(random.torch_generator(config.seed, "transfer held out"))
    held = max(1, round(config.held_out * len(events)))
    training, judging = events.select(slice(held, None)), events.select(slice(0, held))
    context = transfer_context(
        device=config.device,
        rng=random.torch_generator(config.seed, "train transfer"),
        progress=shown,
        registry=config.registry,
        store=checkpoints,
    )
    function = config.registry.build(INTERFACE, config.slot, context, "transfer")
    if not isinstance(function, TrainableTransfer):
        message = f"transfer_function {config.slot.use!r} is declared trainable, but has no fit"
        raise RegistryError(message)
    start, began = time.perf_counter(), time.process_time()
    with one_thread():
        fitted = function.fit(PairedTable(training), Budget(len(training)), context)
        wall, processor = time.perf_counter() - start, time.process_time() - began
        evaluation = evaluate_transfer(
            cast("TransferFunction", function),
            judging.to(context.torch_device),
            random.torch_generator(config.seed, "evaluate transfer"),
        )
    report = TransferReport(
        format=FORMAT,
        component=config.slot.use,
        options=dict(config.slot.options),
        source=", ".join(str(file) for file in config.events.files),
        truth=(*events.truth.names, *events.truth.sets),
        reco=(*events.reco.names, *events.reco.sets),
        events=len(training),
        accepted=int(training.accepted.sum()),
        losses=tuple(float(loss) for loss in fitted.losses),
        notes=(*changes, *fitted.notes, *evaluation_notes(evaluation)),
        evaluation=evaluation,
        training_seconds=wall,
        training_processor_seconds=processor,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        configuration=dict(config.document),
    )
    save_transfer(function, directory.model, config.slot, context)
    directory.write_json(directory.model / EXPRESSIONS, dict(config.simulate))
    directory.write_run_file(config.document)
    directory.write_json(directory.report, as_json(report))
    if config.html:
        from crosshook.core.report.transfer import write_transfer_html

        write_transfer_html(report, directory.page)
    checkpoints.begun.end()
    return report


def evaluate_files(
    trained: Path, files: Sequence[Path], *, settings: Sequence[str] = (), seed: int = 1
) -> TransferEvaluation:
    """Judges a trained transfer function on tables it has not been trained on.

    Args:
        trained: directory of a training.
        files: paired events, with columns as the training's run file has them.
        settings: `key=value` pairs that replace keys of it, e.g. `events.weight=w`.
        seed: of the draws.

    Raises:
        CrosshookError: if model or tables cannot be read or do not belong together.
    """
    directory = TransferDirectory(trained)
    function = load_transfer(model_folder(trained))
    config = load_transfer_file(directory.run_file, settings=settings)
    events = read_paired(replace(config.events, files=tuple(files)))
    with one_thread():
        return evaluate_transfer(
            function,
            events.shuffled(random.torch_generator(seed, "transfer order")),
            random.torch_generator(seed, "evaluate transfer"),
        )


def _check_expressions(config: TransferConfig, truth: Features) -> None:
    known = truth.names
    strange = [name for name in config.simulate if name not in known]
    if strange:
        message = f"simulate: no truth column {strange[0]!r}; there are {', '.join(known)}"
        raise ConfigurationError(message)
