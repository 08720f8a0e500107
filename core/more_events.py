"""More events from the trained sampler of a finished run: what `crosshook generate` does."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.assemble import output_files
from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.component import Slot
from crosshook.core.config import from_document
from crosshook.core.errors import ConfigurationError, OutputError
from crosshook.core.execute import one_thread, opened
from crosshook.core.produce import Frozen, Production, produce
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry
from crosshook.core.results import as_json
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import SamplerSpec, build_process
from crosshook.core.sampling.composition import Composition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.execute import Executor
    from crosshook.core.generation_result import GenerationResult
    from crosshook.core.progress import Progress


def generate(
    directory: Path | str,
    *,
    events: int,
    seed: int,
    output: Path | str | None = None,
    overwrite: bool = False,
    settings: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> GenerationResult:
    """Generates events with the sampler and the maxima of a finished run.

    The cross section combines the run's integration with the new points, so that files of
    different seeds can be merged.

    Args:
        directory: of the run.
        events: how many to generate.
        seed: of the new events; the run's own seed would repeat its events.
        output: directory of the new files; `DIRECTORY/seed-SEED` if None.
        overwrite: replace files that are there already.
        settings: `executor=NAME` and options of it; nothing else.
        workers: processes that compute; this one alone if None.
        progress: told how far it is.
        executor: runs blocks, and is left open; overrides `settings` and `workers`.

    Returns:
        The figures of the generation.

    Raises:
        ConfigurationError: if the seed is the run's own.
        InputError: if the directory holds no finished run with generation.
        OutputError: if the output would replace the run, or cannot be written.
    """
    start = time.perf_counter()
    directory = Path(directory)
    run = RunDirectory.open(directory)
    config = from_document(run.read_json(run.resolved))
    registry = default_registry(config.disable)
    if seed == config.seed:
        message = f"seed {seed} is the run's own and would give its events again; choose another"
        raise ConfigurationError(message)
    slot = chosen_executor(Slot("serial"), settings, workers, registry)
    for name, value, least in (("events", events, 1), ("seed", seed, 0)):
        if value < least:
            message = f"{name}: {value} is less than {least}"
            raise ConfigurationError(message)
    frozen = Frozen.from_json(run.read_json(run.state))
    models = {slot: run.model(slot) for slot in run.trained()}
    composition = Composition.from_json(run.read_json(run.composition))
    outputs = tuple(output_files(config.formats, registry))
    with one_thread():
        process = build_process(config, registry)
    spec = SamplerSpec.of(config, models, composition)
    place = Path(output) if output is not None else directory / f"seed-{seed}"
    if directory.resolve().is_relative_to(place.resolve()):
        message = f"{place}: holds the run whose sampler is used; choose another output"
        raise OutputError(message)
    target = RunDirectory.create(place, overwrite)
    target.write_json(target.resolved, config.document)
    try:
        with opened(executor, slot, registry, target.path) as engine:
            result = produce(
                Production(target, config, spec, process, frozen, outputs),
                engine,
                progress if progress is not None else Silent(),
                registry,
                seed=seed,
                events=events,
                start=start,
            )
    finally:
        target.clear_parts()
    document = {
        "format": "crosshook-generation/1",
        "run": str(Path(directory).resolve()),
        "seed": seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "generation": as_json(result),
    }
    target.write_json(target.report, document)
    return result
