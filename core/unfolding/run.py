"""Unfolding as a run file or flags say: events, fit, replicas, diagnostics, weighted events."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.execute import opened
from crosshook.core.progress import Silent
from crosshook.core.provenance import versions
from crosshook.core.results import as_json
from crosshook.core.unfolding.axes import HistogramAxis
from crosshook.core.unfolding.covariance import uncertainty
from crosshook.core.unfolding.diagnostics import DiagnosticPlan, diagnose
from crosshook.core.unfolding.directory import UnfoldDirectory
from crosshook.core.unfolding.folding import refers_to
from crosshook.core.unfolding.histogram import histogram_of
from crosshook.core.unfolding.levels import list_name
from crosshook.core.unfolding.metadata import metadata
from crosshook.core.unfolding.nominal_fit import nominal_fit
from crosshook.core.unfolding.posterior_draws import check_draws
from crosshook.core.unfolding.replica_plan import ReplicaPlan
from crosshook.core.unfolding.replicas import families as families_of
from crosshook.core.unfolding.replicas import run_parts
from crosshook.core.unfolding.result import FORMAT, EventCounts, UnfoldReport
from crosshook.core.unfolding.run_file import Flags, load_unfold_file, resolve_unfold
from crosshook.core.unfolding.sample import read_sample
from crosshook.core.unfolding.specification import UnfolderSpec
from crosshook.core.unfolding.spectra import Binning
from crosshook.core.unfolding.tables import Table
from crosshook.core.unfolding.weighted_events import (
    ITERATION,
    NOMINAL,
    PRIOR,
    columns_of,
    require_parquet,
    weight_columns,
    write_parquet,
    write_root,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.progress import Progress
    from crosshook.core.unfolding.diagnostics_result import Diagnostics
    from crosshook.core.unfolding.inputs import Inputs
    from crosshook.core.unfolding.nominal_fit import Fitted
    from crosshook.core.unfolding.replicas import Part
    from crosshook.core.unfolding.run_file import UnfoldConfig
    from crosshook.core.unfolding.sample import Sample
    from crosshook.core.unfolding.tables import Values


def unfold(
    run_file: Path | str | None = None,
    *,
    simulation: Path | str | None = None,
    measured: Path | str | None = None,
    background: Path | str | None = None,
    method: str | None = None,
    observables: Sequence[str] = (),
    settings: Sequence[str] = (),
    output: Path | str | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> UnfoldReport:
    """Unfolds measured events and writes weighted truth events, metadata and report.

    Args:
        run_file: a YAML file, see schemas/v1/unfold.json; not needed where the files are given.
        simulation: file of simulated events, instead of the run file's.
        measured: file of measured events, likewise.
        background: file of background events, likewise.
        method: name of the unfolder, likewise.
        observables: names to unfold, likewise.
        settings: `key=value` pairs that replace keys of the run file.
        output: directory, instead of the run file's.
        seed: instead of the run file's.
        overwrite: replace an unfolding that is there already.
        progress: told how far it is.
        executor: computes replicas, and is left open; that of the run file if None.

    Raises:
        CrosshookError: whatever a user can cause, in one line.
    """
    flags = Flags(
        simulation=_path(simulation),
        measured=_path(measured),
        background=_path(background),
        method=method,
        observables=tuple(observables),
        settings=tuple(settings),
        output=_path(output),
        seed=seed,
    )
    path = _path(run_file)
    folder = Path() if path is None else path.parent
    config = load_unfold_file(path, flags)
    return unfold_from(config, folder, overwrite=overwrite, progress=progress, executor=executor)


def resume_unfold(
    directory: Path | str,
    *,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> UnfoldReport:
    """Goes on with an unfolding that was stopped: fits that are done are not done again.

    Args:
        directory: of the unfolding.
        progress: told how far it is.
        executor: computes replicas, and is left open; that of the run file if None.

    Raises:
        InputError: if there is no unfolding on its way.
    """
    place = UnfoldDirectory(Path(directory))
    given, folder = place.read_state()
    config = resolve_unfold(given, str(place.run_file), Path(folder), place.path)
    return _computed(config, read_sample(config), progress, executor)


def unfold_from(
    config: UnfoldConfig,
    folder: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> UnfoldReport:
    """Unfolds as a run file says that is read already; see `unfold`.

    Args:
        config: the run file.
        folder: that relative paths in it are taken from.
        overwrite: replace an unfolding that is there already.
        progress: told how far it is.
        executor: computes replicas, and is left open; that of the run file if None.
    """
    directory = UnfoldDirectory(config.directory)
    directory.check_free(overwrite)
    require_parquet()
    sample = read_sample(config)  # before what is there is removed
    ReplicaPlan(**config.replicas)
    _tests(config).check(sample.inputs)
    check_draws(sample.inputs, config.draws)
    directory.start(config.given, config.document, folder)
    return _computed(config, sample, progress, executor)


def _computed(
    config: UnfoldConfig, sample: Sample, progress: Progress | None, executor: Executor | None
) -> UnfoldReport:
    shown = progress if progress is not None else Silent()
    directory = UnfoldDirectory(config.directory)
    spec = UnfolderSpec.of(config.slot, config.device, config.disable)
    fitted = nominal_fit(spec, sample.inputs, config.seed, directory, shown, config.draws)
    began = time.perf_counter()
    with opened(executor, config.executor, config.registry, directory.path) as engine:
        parts = _replicas(config, spec, sample, directory, engine, shown)
        replica_seconds = time.perf_counter() - began
        families = {**fitted.unfolded.families, **families_of(parts)}
        unfolded = replace(fitted.unfolded, families=families)
        table = _table(unfolded, sample, directory)
        axes = _axes(config, unfolded, table)
        diagnostics = _diagnostics(
            config, spec, sample.inputs, unfolded, axes, parts, engine, shown
        )
    columns = {**table.columns, **weight_columns(unfolded.families)}
    files = {directory.events().name: directory.events()}
    write_parquet(directory.events(), columns)
    if config.root:
        files[directory.events("root").name] = directory.events("root")
        write_root(directory.events("root"), columns)
    if config.draws:
        files[directory.posterior.name] = directory.posterior
    report = _report(config, sample, fitted, unfolded, table, axes, diagnostics, replica_seconds)
    document = metadata(config, report, table, unfolded.families, files)
    report = replace(report, files={name: _digest(document, name) for name in files})
    directory.write_json(directory.report, as_json(report))
    directory.write_metadata(document)
    if config.html:
        from crosshook.core.report.unfolded import write_unfold_html

        write_unfold_html(report, directory.page)
    directory.finish()
    return report


def _replicas(
    config: UnfoldConfig,
    spec: UnfolderSpec,
    sample: Sample,
    directory: UnfoldDirectory,
    executor: Executor,
    progress: Progress,
) -> tuple[Part, ...]:
    plan = ReplicaPlan(**config.replicas)
    if plan == ReplicaPlan() and not sample.systematics:
        return ()
    return run_parts(
        spec,
        sample.inputs,
        plan,
        config.seed,
        executor,
        progress,
        systematics=sample.systematics,
        folder=directory.fits,
    )


def _table(unfolded: Unfolded, sample: Sample, directory: UnfoldDirectory) -> Table:
    """Truth columns of the result: all of the simulation's, where rows are its events."""
    simulation = sample.inputs.simulation
    columns: dict[str, Values] = dict(columns_of(unfolded.truth))
    if refers_to(unfolded, simulation):
        beside = {
            list_name(group, name): lists
            for group, members in sample.truth.lists.items()
            for name, lists in members.items()
        }
        columns = {**sample.truth.dense, **beside}
        columns[PRIOR] = simulation.weight[simulation.has_truth].numpy()
    return Table(str(directory.events()), len(unfolded.truth), columns)


def _axes(config: UnfoldConfig, unfolded: Unfolded, table: Table) -> tuple[HistogramAxis, ...]:
    """Axes of the run file, or one of each observable, with edges."""
    axes = config.axes or tuple(
        HistogramAxis(name, name, (), name, config.units.get(name, ""))
        for name in unfolded.truth.names
    )
    made = []
    for axis in axes:
        if axis.edges:
            made.append(axis)
        else:
            found = histogram_of(table, {NOMINAL: unfolded.families[NOMINAL]}, axis)
            made.append(replace(axis, edges=found.edges))
    return tuple(made)


def _diagnostics(
    config: UnfoldConfig,
    spec: UnfolderSpec,
    inputs: Inputs,
    unfolded: Unfolded,
    axes: Sequence[HistogramAxis],
    parts: Sequence[Part],
    executor: Executor,
    progress: Progress,
) -> Diagnostics:
    both = set(inputs.simulation.truth.names) & set(inputs.simulation.reco.names)
    binnings: dict[str, Binning] = {}
    for axis in axes:
        if axis.observable in both:
            # The first binning of an observable is the one that is judged.
            found = Binning(axis.observable, axis.edges, axis.unit)
            binnings.setdefault(axis.observable, found)
    return diagnose(
        spec,
        inputs.simulation,
        inputs.measured,
        inputs.background,
        unfolded,
        _tests(config),
        config.seed,
        progress,
        binnings=tuple(binnings.values()) or None,
        parts=parts,
        executor=executor,
        folder=UnfoldDirectory(config.directory).fits,
    )


def _tests(config: UnfoldConfig) -> DiagnosticPlan:
    return DiagnosticPlan(config.shifts, config.harm)


def _report(
    config: UnfoldConfig,
    sample: Sample,
    fitted: Fitted,
    unfolded: Unfolded,
    table: Table,
    axes: Sequence[HistogramAxis],
    diagnostics: Diagnostics,
    replica_seconds: float,
) -> UnfoldReport:
    inputs = sample.inputs
    nominal = unfolded.families[NOMINAL].weights
    sums = uncertainty(unfolded.families, lambda w: w.sum(dim=0).numpy()[:, None])
    told = sums.data is not None or sums.simulation is not None
    error = math.sqrt(max(float(sums.total[0, 0]), 0.0)) if told else math.nan
    kept = unfolded.families.get(ITERATION)
    truth, reco = inputs.simulation.truth, inputs.simulation.reco
    return UnfoldReport(
        format=FORMAT,
        title=str(config.card["title"]) or "Unfolding",
        method=config.slot.use,
        options=dict(config.slot.options),
        truth=(*truth.names, *truth.sets),
        reco=(*reco.names, *reco.sets),
        counts=_counts(inputs),
        total=float(nominal.sum()),
        total_error=error,
        iterations=0 if kept is None else kept.weights.shape[1],
        losses=fitted.losses,
        families={name: len(family.labels) for name, family in unfolded.families.items()},
        histograms=tuple(histogram_of(table, unfolded.families, axis) for axis in axes),
        diagnostics=diagnostics,
        notes=(*sample.notes, *unfolded.notes),
        fit_seconds=fitted.wall,
        fit_processor_seconds=fitted.processor,
        replica_seconds=replica_seconds,
        seed=config.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        files={},
        configuration=dict(config.document),
    )


def _counts(inputs: Inputs) -> EventCounts:
    simulation, background = inputs.simulation, inputs.background
    truth, reco = simulation.has_truth, simulation.has_reco
    weight = simulation.weight
    return EventCounts(
        simulated=len(weight),
        with_truth=int(truth.sum()),
        with_reco=int(reco.sum()),
        with_both=int((truth & reco).sum()),
        simulated_truth=float(weight[truth].sum()),
        simulated_both=float(weight[truth & reco].sum()),
        simulated_fakes=float(weight[reco & ~truth].sum()),
        measured=len(inputs.measured.weight),
        measured_sum=float(inputs.measured.weight.sum()),
        background=0 if background is None else len(background.weight),
        background_sum=0.0 if background is None else float(background.weight.sum()),
    )


def _digest(document: dict[str, object], name: str) -> str:
    files = document["files"]
    assert isinstance(files, dict)
    return str(files[name]["sha256"])


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)
