"""Sections of an inference's report on transfer functions: ranks and acceptance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crosshook.core.report.transfer import transfer_acceptance, transfer_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.inference.result import JudgedDetector
    from crosshook.core.report.sections import Section

OWN_EVENTS = (
    "The events are of its own making, as the run file names no other simulator: this shows whether "
    "draws follow the density, not whether the detector does."
)


def detector_sections(judged: Sequence[JudgedDetector]) -> list[Section]:
    """Ranks of every transfer function, and its acceptance if it loses events."""
    several = len({detector.process for detector in judged}) > 1
    made = []
    for number, detector in enumerate(judged):
        name = f"{detector.name} of {detector.process}" if several else detector.name
        ranks = transfer_ranks(detector.judgement)
        if detector.own_events:
            ranks = replace(ranks, lead=f"{ranks.lead} {OWN_EVENTS}")
        parts = [ranks]
        if detector.judgement.acceptance:
            parts.append(transfer_acceptance(detector.judgement))
        made += [_named(part, name, number) for part in parts]
    return made


def _named(section: Section, name: str, number: int) -> Section:
    """The section of one of several: ids are of a page, not of a section."""
    prefix = f"detector-{number}"
    figures = tuple(replace(f, id=f"{prefix}-{f.id}") for f in section.figures)
    return replace(
        section,
        id=f"{prefix}-{section.id}",
        title=f"{section.title}: {name}",
        figures=figures,
    )
