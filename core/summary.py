"""The summary at the end of `crosshook run`: what a user wants to know before opening any file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.cli.visible import visible
from crosshook.core.quantity import quantity_of
from crosshook.core.report.choice import STATES, candidate, candidate_names, figures_of, versions
from crosshook.core.report.generation import readable, signed
from crosshook.core.report.integration import chosen_efficiency
from crosshook.core.report.numbers import (
    count,
    duration,
    measured,
    memory_used,
    percent,
    plain,
    rate,
    size,
)
from crosshook.core.report.run import cross_section, headline
from crosshook.core.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from crosshook.core.generation_result import GenerationResult, ProgramResult
    from crosshook.core.results import IntegrationResult, RunResult

Row = tuple[str, str, str]


def print_summary(
    result: RunResult, console: Console | None = None, directory: Path | None = None
) -> None:
    """Prints a run's results as short tables, in colour on a terminal and plain elsewhere.

    Args:
        result: of the run.
        console: where to; standard output if None.
        directory: where the run's files are; as the configuration says if None.
    """
    from rich.console import Console
    from rich.text import Text

    out = console if console is not None else Console(highlight=False)
    top = headline(result)
    quantity = quantity_of(result.beams)
    found = measured(*cross_section(result), quantity.unit)
    out.print()
    out.print(Text.assemble((top.title, "bold"), "  ", (top.subtitle, "dim")))
    out.print(Text.assemble(f"{quantity.symbol} = ", (found, "bold cyan")))
    out.print()
    out.print(_table(("", "", ""), _quality(result), bold=1))
    out.print()
    if result.training.candidates:
        heads = tuple(candidate_names(result.training).values())
        points = f"{count(result.training.candidate_points)} points"
        out.print(_table((points, *heads), _candidates(result), right=(1, 2, 3, 4)))
        out.print()
    out.print(_table(("stage", "points", "time", "speed"), _stages(result), right=(1, 2, 3)))
    if result.generation is not None and result.generation.variations:
        out.print()
        columns = (
            *("variation", "weights", f"{quantity.symbol} from"),
            *(f"to [{quantity.unit}]", "change"),
        )
        out.print(_table(columns, _variations(result), right=(1, 2, 3, 4)))
    out.print()
    for path, bytes_ in _files(
        result, directory if directory is not None else _configured(result)
    ):
        # A path is to be copied: it is never cut off or broken by a table.
        line = Text.assemble((str(path), "cyan"), "  ", (size(bytes_), "dim"))
        out.print(line, soft_wrap=True)
    for note in top.notes:
        out.print(Text(visible(f"note: {note}"), style="yellow"), soft_wrap=True)


def _table(
    columns: tuple[str, ...],
    rows: Iterable[tuple[str, ...]],
    right: tuple[int, ...] = (),
    bold: int | None = None,
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None if not any(columns) else box.SIMPLE_HEAD,
        show_header=any(columns),
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
    )
    for i, name in enumerate(columns):
        table.add_column(
            Text(visible(name)),
            justify="right" if i in right else "left",
            style="bold" if i == bold else ("" if any(columns) or i == 0 else "dim"),
            no_wrap=i in right,  # a number keeps its unit; a label may take two lines
        )
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table


def _quality(result: RunResult) -> list[Row]:
    """Efficiencies and the quality of weights and events."""
    integration, generation = result.integration, result.generation
    rows: list[Row] = []
    best = chosen_efficiency(integration)
    if best is not None:
        name = "ε(0.1 %)" if best.rule == "excess-share" else f"ε, {best.rule}"
        rows.append(
            (name, percent(best.value, best.error), f"all N = {count(best.points)} points")
        )
    for item in integration.efficiencies:
        if item.rule == "carried-share":
            scaled = item.error * item.after_cuts / item.value if item.value else 0.0
            text = percent(item.after_cuts, scaled)
            what = "points after cuts" if result.generator is None else "of the weighted events"
            rows.append(("ε, Sherpa's rule", text, f"carried-share, {what}"))
    if result.generator is None:
        rows.append(("cut efficiency", percent(integration.cut_efficiency), "points with w ≠ 0"))
    else:
        rows += _program(result.generator, result.integration)
    rows.append(("mean / max", percent(integration.mean_over_max), "of the weights; depends on N"))
    rows.append(("Kish", percent(integration.kish), "of the points as drawn"))
    if integration.negative_share > 0:
        rows.append(("negative weights", percent(integration.negative_share), "Σ|w<0| / Σ|w|"))
    if integration.invalid:
        rows.append(("invalid points", count(integration.invalid), "NaN or infinite weight"))
    if integration.latents == "random":
        chi = f"{plain(integration.chi_squared, 4)} / {integration.degrees_of_freedom}"
        what = "the blocks of the integration" if result.generator is None else "the batches"
        rows.append(("χ²/dof", chi, f"of {what}"))
    else:
        rows.append(("latents", integration.latents, "errors from the spread of the blocks"))
    if generation is not None:
        share = percent(generation.overweight_share)
        rows.append(("events", count(generation.events), f"Kish {percent(generation.kish)}"))
        rows.append(("overweights", count(generation.overweights), f"share of weight {share}"))
        rows += _two_stages(generation)
        if generation.bias:
            rows.append(("bias", generation.bias, "events by |w|·b, 1/b in their weight"))
    return rows


def _program(program: ProgramResult, integration: IntegrationResult) -> list[Row]:
    """What a program made, and what it says of σ."""
    events = sum(b.events for b in program.batches)
    batches = len(program.batches)
    number = (
        f"{batches} batch{'es' if batches > 1 else ''}, {count(integration.evaluations)} points"
    )
    rows: list[Row] = [("weighted events", count(events), number)]
    if not math.isnan(program.cross_section):
        own = measured(program.cross_section, program.error, "pb")
        rows.append(("σ", own, f"{program.program or program.component}'s own integration"))
    return rows


def _two_stages(generation: GenerationResult) -> list[Row]:
    """What an amplitude surrogate was good for; nothing without one."""
    stages = generation.stages
    if stages is None:
        return []
    if not stages.two_stages:
        return [
            ("surrogate", "not used", f"it promised a gain of {plain(stages.expected_gain, 3)}")
        ]
    efficiencies = f"ε1 {percent(stages.first)}, ε2 {percent(stages.second)}"
    return [
        (
            "gain f_eff",
            plain(stages.gain, 3),
            f"of at most {plain(stages.ceiling, 3)}; {efficiencies}",
        ),
    ]


def _candidates(result: RunResult) -> list[tuple[str, ...]]:
    """What the training could choose from, with each state of the channel weights: relative standard
    deviation (its error is in the report) and ε(0.1 %).
    """
    training = result.training
    rows: list[tuple[str, ...]] = []
    for state in versions(training):
        shown = [candidate(training, role, state) for role in candidate_names(training)]
        deviations = ("" if c is None else plain(c.relative_deviation, 3) for c in shown)
        rows.append((f"rsd{STATES[state]}", *deviations))
        rows.append((f"ε{STATES[state]}", *("" if c is None else figures_of(c)[1] for c in shown)))
    return rows


def _stages(result: RunResult) -> list[tuple[str, ...]]:
    """Points, time and speed of each stage."""
    stages = [
        ("train", result.training.evaluations, result.training.seconds),
        ("integrate", result.integration.evaluations, result.integration.seconds),
    ]
    if result.generator is not None:
        stages = [("program", result.integration.evaluations, result.integration.seconds)]
    elif result.generation is not None:
        generation = result.generation
        learned = generation.surrogate
        if learned is not None:
            stages.append(("surrogate", learned.evaluations, learned.seconds))
        points = generation.evaluations + generation.pilot
        stages.append(("generate", points, generation.seconds))
    rows: list[tuple[str, ...]] = [
        (name, count(points), duration(seconds), rate(points, seconds))
        for name, points, seconds in stages
        if points
    ]
    return [*rows, ("whole run", "", duration(result.seconds), memory_used(result.memory))]


def _variations(result: RunResult) -> list[tuple[str, ...]]:
    """The envelope of each group of variations."""
    assert result.generation is not None
    nominal = result.generation.cross_section
    groups: dict[str, list[float]] = {}
    for item in result.generation.variations:
        groups.setdefault(item.group, []).append(item.cross_section)
    return [
        (
            readable(group),
            count(len(values)),
            plain(min(values)),
            plain(max(values)),
            f"{signed(min(values) / nominal - 1)} … {signed(max(values) / nominal - 1)}"
            if nominal
            else "",
        )
        for group, values in groups.items()
    ]


def _files(result: RunResult, directory: Path) -> list[tuple[Path, int]]:
    """Event files, and the reports if they are written already."""
    files = result.generation.files if result.generation is not None else ()
    made = [(directory / file.name, file.bytes) for file in files]
    run = RunDirectory(directory)
    return [*made, *((p, p.stat().st_size) for p in (run.page, run.report) if p.is_file())]


def _configured(result: RunResult) -> Path:
    output = result.configuration.get("output")
    directory = output.get("directory") if isinstance(output, dict) else None
    return Path(directory) if isinstance(directory, str) else Path()
