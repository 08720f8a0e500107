"""What a file says about the run that made it: beams, processes, weights, header cards."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProcessInfo:
    """One process line of the init block.

    Attributes:
        process_id: LPRUP.
        cross_section: XSECUP in pb.
        error: XERRUP in pb.
        maximum: XMAXUP in pb.
    """

    process_id: int
    cross_section: float
    error: float
    maximum: float


@dataclass(frozen=True)
class WeightInfo:
    """One further weight that every event carries.

    Attributes:
        id: its id, a string.
        group: name of its weight group, or `""`.
        text: its description.
        attributes: further attributes as written.
    """

    id: str
    group: str = ""
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """Everything before the first event. Field names follow hep-ph/0109068 in words.

    Attributes:
        beams: IDBMUP, PDG ids.
        energies: EBMUP in GeV.
        pdf_groups: PDFGUP.
        pdf_sets: PDFSUP.
        weighting: IDWTUP.
        processes: one entry a process.
        generators: (name, version, text) of each `<generator>`.
        weights: further weights in the order of their columns.
        header: blocks of the header by tag, in order, as text.
        comments: raw text of the header and init block that belongs to no tag.
        version: version of the file format as written, e.g. `3.0`.
    """

    beams: tuple[int, int] = (2212, 2212)
    energies: tuple[float, float] = (6500.0, 6500.0)
    pdf_groups: tuple[int, int] = (0, 0)
    pdf_sets: tuple[int, int] = (0, 0)
    weighting: int = -4
    processes: tuple[ProcessInfo, ...] = ()
    generators: tuple[tuple[str, str, str], ...] = ()
    weights: tuple[WeightInfo, ...] = ()
    header: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    version: str = "3.0"
