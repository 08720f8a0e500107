"""What a file says about the run that made it: beams, processes, weights, header cards."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        group: key of its weight group in `RunInfo.weight_groups`, or `""`.
        text: its description.
        attributes: further attributes as written.
        listed: known by its place in `<weights>`, not by an id in `<rwgt>`.
    """

    id: str
    group: str = ""
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    listed: bool = False


@dataclass(frozen=True)
class RunInfo:
    """Everything a file holds beside its events. Names follow hep-ph/0109068 in words.

    Attributes:
        beams: IDBMUP, PDG ids.
        energies: EBMUP in GeV.
        pdf_groups: PDFGUP.
        pdf_sets: PDFSUP.
        weighting: IDWTUP.
        processes: one entry a process.
        generators: (name, version, text) of each `<generator>`.
        weights: further weights in the order of their columns.
        weight_groups: attributes of each weight group as written, by the group's key.
        header: blocks of the header in order, as text. A key is the inside of the opening tag, so
            it holds attributes where there are any; a repeated tag has blanks at its end.
        comments: text before the init block that belongs to no tag.
        init_extra: lines of the init block that are neither numbers nor known tags.
        trailer: text after the end tag, once all events were read.
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
    weight_groups: dict[str, dict[str, str]] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    init_extra: tuple[str, ...] = ()
    trailer: str = ""
    version: str = "3.0"

    @property
    def weight_ids(self) -> tuple[str, ...]:
        """Ids of the further weights in the order of their columns."""
        return tuple(weight.id for weight in self.weights)

    def as_json(self) -> dict[str, object]:
        """The same as values JSON can hold; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunInfo:
        """Takes back what `as_json` gave, after a round trip through JSON."""
        plain = dict(values)
        plain["processes"] = tuple(ProcessInfo(**p) for p in values["processes"])
        plain["weights"] = tuple(WeightInfo(**w) for w in values["weights"])
        plain["generators"] = tuple((g[0], g[1], g[2]) for g in values["generators"])
        for key in ("beams", "energies", "pdf_groups", "pdf_sets", "comments", "init_extra"):
            plain[key] = tuple(values[key])
        return cls(**plain)


def noted(info: RunInfo, tag: str, text: str) -> RunInfo:
    """The same with a further block in the header that says what was done to the events.

    Args:
        info: the run.
        tag: of the block; blanks are added to its key where there is one already.
        text: lines to write; characters that XML reserves are replaced.
    """
    while tag in info.header:
        tag += " "
    return replace(info, header={**info.header, tag: f"\n{escape(text)}"})
