"""The report of a run, section by section in the order people ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from crosshook.core.quantity import quantity_of
from crosshook.core.report.generation import (
    disagreements,
    files_table,
    generation_section,
    kinematics_section,
    variations_section,
)
from crosshook.core.report.integration import (
    chosen_efficiency,
    integration_section,
    rule_name,
    weights_section,
)
from crosshook.core.report.numbers import (
    count,
    duration,
    measured,
    memory_used,
    moment,
    percent,
    plain,
)
from crosshook.core.report.program import program_section
from crosshook.core.report.sections import Fact, Headline, Section, Table, Text
from crosshook.core.report.training import training_section
from crosshook.core.report.two_stages import two_stage_section

if TYPE_CHECKING:
    from crosshook.core.results import RunResult


def sections(result: RunResult) -> list[Section]:
    """Every section of a run's report."""
    made = []
    if result.integration.histograms:
        made.append(kinematics_section(result))
    if result.generator is None:
        made.append(integration_section(result.integration, quantity_of(result.beams)))
    else:
        made.append(program_section(result.generator, result.integration))
    made.append(weights_section(result.integration))
    if result.generation is not None:
        made.append(generation_section(result.generation, quantity_of(result.beams)))
        if result.generation.stages is not None:
            made.append(two_stage_section(result.generation))
        if result.generation.variations:
            made.append(variations_section(result.generation, quantity_of(result.beams)))
    if result.generator is None:
        made.append(training_section(result))
    made.append(_provenance(result))
    return made


def cross_section(result: RunResult) -> tuple[float, float]:
    """The run's final cross section (or width) and its error, in pb (GeV)."""
    best = result.generation or result.integration
    return best.cross_section, best.error


def headline(result: RunResult) -> Headline:
    """Process, cross section and the numbers that matter."""
    quantity = quantity_of(result.beams)
    facts = []
    best = chosen_efficiency(result.integration)
    if best is not None:
        facts.append(
            Fact("unweighting efficiency", percent(best.value, best.error), rule_name(best))
        )
    if result.generation is not None:
        generation = result.generation
        share = percent(generation.overweight_share)
        facts.append(Fact("events", count(generation.events), f"overweight share {share}"))
    else:
        facts.append(Fact("evaluations", count(result.integration.evaluations), "integration"))
    relative = cross_section(result)[1] / abs(cross_section(result)[0] or float("nan"))
    facts.append(Fact("relative error", percent(relative), f"of the {quantity.name}"))
    whole = ["the whole run", memory_used(result.memory)]
    facts.append(Fact("wall time", duration(result.seconds), ", ".join(filter(None, whole))))
    return Headline(
        result.process,
        " · ".join(_setting(result)),
        measured(*cross_section(result), quantity.unit),
        quantity.name,
        tuple(facts),
        (*result.notes, *disagreements(result)),
    )


def _setting(result: RunResult) -> list[str]:
    """Energy, densities, seed and date."""
    tev = result.energy >= 1000
    energy = f"{plain(result.energy / 1000)} TeV" if tev else f"{plain(result.energy)} GeV"
    densities = [result.parton_density] if result.parton_density else []
    return [energy, *densities, f"seed {result.seed}", moment(result.created)]


def _provenance(result: RunResult) -> Section:
    """What is needed to repeat the run: versions, seed, configuration, files."""
    tables = []
    if result.generation is not None and result.generation.files:
        tables.append(files_table(result.generation))
    tables.append(Table("Versions", ("package", "version"), tuple(result.versions.items())))
    configuration = yaml.safe_dump(
        result.configuration, sort_keys=False, allow_unicode=True, width=88
    )
    return Section(
        "provenance",
        "To repeat this run",
        "",
        (Fact("seed", str(result.seed)), Fact("created", result.created)),
        tuple(tables),
        texts=(Text("Resolved configuration", configuration),),
    )
