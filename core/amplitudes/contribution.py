"""Contributions: which flavours of which source a process is the sum of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.amplitudes.source import AmplitudeSource
    from crosshook.core.interfaces.matrix_element import ColourFlow
    from crosshook.core.phase_space.diagram import Line


@dataclass(frozen=True)
class Contribution:
    """One subprocess and where its |M|² comes from.

    Attributes:
        source: gives |M|².
        flavour: index of the flavours there.
        pdg: PDG id of each leg, incoming first.
        process_id: LPRUP of its events.
        label: for people.
        colour_flows: leading-colour flows, in the source's order.
        identical: |M|² of the source is divided by this; 1 where it includes 1/n! already.
        mirror: also add the subprocess with the beams exchanged.
        qcd_order: power of α_s in |M|².
        qed_order: power of α in |M|².
    """

    source: AmplitudeSource
    flavour: int
    pdg: tuple[int, ...]
    process_id: int
    label: str
    colour_flows: tuple[ColourFlow, ...]
    identical: int = 1
    mirror: bool = False
    qcd_order: int = 0
    qed_order: int = 0


@dataclass(frozen=True)
class ChannelDescription:
    """A channel of the phase space.

    Attributes:
        name: shown in reports.
        lines: its propagators.
        diagrams: numbers of the source's diagrams whose squares propose it.
        transverse: parts without a common propagator are placed by p_T and rapidity.
    """

    name: str
    lines: tuple[Line, ...] = ()
    diagrams: tuple[int, ...] = field(default_factory=tuple)
    transverse: bool = False
