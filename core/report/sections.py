"""What a report is made of: sections with facts, tables and figures. Data only, nothing drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.report.figures import Figure


@dataclass(frozen=True)
class Fact:
    """One number or word.

    Attributes:
        label: what it is.
        value: as text, with error and unit.
        help: a sentence that defines it; may be empty.
    """

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        caption: what the table shows.
        columns: headings.
        rows: cells, as many as headings.
        numeric: columns with numbers, set flush right.
        folded: shown on demand only.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    folded: bool = False


@dataclass(frozen=True)
class Text:
    """A longer text in fixed type, shown on demand.

    Attributes:
        caption: what it is.
        text: lines.
    """

    caption: str
    text: str


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        id: anchor, unique in the report.
        title: heading.
        lead: a sentence or two under the heading.
        facts: numbers.
        tables: rows of numbers.
        figures: pictures as data.
        texts: longer texts.
    """

    id: str
    title: str
    lead: str = ""
    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    texts: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Headline:
    """The top of a report.

    Attributes:
        title: the process.
        subtitle: beams, densities, seed, time.
        value: the main result with error and unit.
        value_label: what it is.
        facts: the three or four numbers that matter most.
        notes: what a reader must know before using the numbers.
    """

    title: str
    subtitle: str
    value: str
    value_label: str
    facts: tuple[Fact, ...]
    notes: tuple[str, ...] = ()
