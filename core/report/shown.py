"""How results show themselves: a line at the prompt, a small table in a notebook or with rich."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from crosshook.core.report.sections import Headline, Table

MOST_ROWS: Final = 12
LONGEST: Final = 200
"""Characters of a cell or a note; names and notes can come out of files."""

# Colours are the notebook's own, so that light and dark are both readable.
_STYLE: Final = "font-variant-numeric:tabular-nums;margin:.2em 0 .6em"
_QUIET: Final = "opacity:.75;font-size:90%"
_CELL: Final = "padding:.15em 1.2em .15em 0;background:none;vertical-align:top;text-align:"


class Shown(ABC):
    """Something with a headline, which is shown instead of all its fields."""

    @abstractmethod
    def headline(self) -> Headline:
        """What it is and the numbers that matter."""

    def tables(self) -> tuple[Table, ...]:
        """Rows worth showing; none by default."""
        return ()

    def __repr__(self) -> str:
        """One line."""
        top = self.headline()
        facts = [(top.value_label, top.value), *((f.label, f.value) for f in top.facts)]
        told = "; ".join(f"{label} {value}" for label, value in facts)
        return _short(f"<{type(self).__name__} {top.title}: {told}>", 2 * LONGEST)

    def _repr_html_(self) -> str:
        """A small table for a notebook; every text is escaped."""
        top = self.headline()
        facts = "".join(
            f"<tr><td style='{_CELL}left'>{_cell(f.label)}</td>"
            f"<td style='{_CELL}right'>{_cell(f.value)}</td>"
            f"<td style='{_CELL}left;{_QUIET}'>{_cell(f.help)}</td></tr>"
            for f in top.facts
        )
        notes = "".join(f"<div>note: {_cell(note)}</div>" for note in top.notes[:MOST_ROWS])
        return (
            f"<div style='{_STYLE}'><div><b>{_cell(top.title)}</b> "
            f"<span style='{_QUIET}'>{_cell(top.subtitle)}</span></div>"
            f"<div><span style='{_QUIET}'>{_cell(top.value_label)}</span> "
            f"<b style='font-size:120%'>{_cell(top.value)}</b></div>"
            + (f"<table>{facts}</table>" if facts else "")
            + "".join(_html_table(table) for table in self.tables())
            + f"{notes}</div>"
        )

    def __rich__(self) -> RenderableType:
        """The same for `rich.print`."""
        from rich.console import Group
        from rich.text import Text

        top = self.headline()
        parts: list[RenderableType] = [
            Text.assemble((_short(top.title), "bold"), "  ", (_short(top.subtitle), "dim")),
            Text.assemble((f"{top.value_label} ", "dim"), (_short(top.value), "bold")),
        ]
        if top.facts:
            parts.append(_rich_facts(top))
        parts += [_rich_table(table) for table in self.tables()]
        parts += [Text(f"note: {_short(note)}", "yellow") for note in top.notes[:MOST_ROWS]]
        return Group(*parts)


def _short(text: str, longest: int = LONGEST) -> str:
    """A text on one line, cut where it is too long; what would steer a terminal is replaced."""
    line = "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _cell(text: str) -> str:
    return escape(_short(text))


def _shown_rows(table: Table) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The first rows, and how many are left out."""
    left = len(table.rows) - MOST_ROWS
    return table.rows[:MOST_ROWS], f"… and {left:,} more" if left > 0 else ""


def _html_table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        made = (
            f"<{tag} style='{_CELL}{'right' if i in table.numeric else 'left'}'>{_cell(c)}</{tag}>"
            for i, c in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    rows, left = _shown_rows(table)
    body = "".join(row(cells, "td") for cells in rows)
    return (
        f"<table><caption style='text-align:left;{_QUIET}'>{_cell(table.caption)}</caption>"
        f"<thead>{row(table.columns, 'th')}</thead><tbody>{body}</tbody></table>"
        + (f"<div style='{_QUIET}'>{left}</div>" if left else "")
    )


def _rich_facts(top: Headline) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column(style="dim")
    for fact in top.facts:
        grid.add_row(*(Text(_short(cell)) for cell in (fact.label, fact.value, fact.help)))
    return grid


def _rich_table(table: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    rows, left = _shown_rows(table)
    grid = Grid(
        title=Text(_short(table.caption)),
        title_justify="left",
        caption=left or None,
        box=box.SIMPLE_HEAD,
    )
    for i, column in enumerate(table.columns):
        number = i in table.numeric
        justify: Literal["left", "right"] = "right" if number else "left"
        grid.add_column(Text(_short(column)), justify=justify, no_wrap=number)
    for cells in rows:
        grid.add_row(*(Text(_short(cell)) for cell in cells))
    return grid
