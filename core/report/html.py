"""Draws a report as one self-contained HTML file, from what report.json holds and nothing else."""

from __future__ import annotations

import contextlib
import os
import re
from html import escape
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError
from crosshook.core.report.drawing import draw
from crosshook.core.report.inline import Pictures
from crosshook.core.report.reading import read_result
from crosshook.core.report.run import headline, sections
from crosshook.core.report.stylesheet import STYLESHEET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from crosshook.core.report.figures import Figure
    from crosshook.core.report.sections import Fact, Headline, Section, Table, Text
    from crosshook.core.results import RunResult

_MINUS = re.compile(r"(?<![\w.])-(?=[\d.])")


def write_html(report: Mapping[str, object], path: Path) -> None:
    """Writes the report of a run; the file appears when it is complete.

    Args:
        report: what report.json holds.
        path: of the HTML file.

    Raises:
        InputError: if `report` is not a report.
        OutputError: if the file cannot be written.
    """
    write_page(render_html(report), path)


def write_page(text: str, path: Path) -> None:
    """Writes a page; the file appears when it is complete.

    Args:
        text: the page.
        path: of the HTML file.

    Raises:
        OutputError: if the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)  # noqa: PTH105 - the same call for every writer
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        message = f"{path}: cannot write the report: {error.strerror or error}"
        raise OutputError(message) from error


def render_html(report: Mapping[str, object]) -> str:
    """The report of a run as HTML.

    Args:
        report: what report.json holds.

    Raises:
        InputError: if it is not a report.
    """
    return render_run(read_result(report))


def render_run(result: RunResult) -> str:
    """The report of a run as HTML."""
    return render_page(headline(result), sections(result), result.versions.get("crosshook", ""))


def render_page(top: Headline, parts: Sequence[Section], version: str) -> str:
    """A report as HTML: no scripts, no links to elsewhere, pictures inside.

    Args:
        top: its headline.
        parts: its sections.
        version: of crosshook.
    """
    pictures = Pictures()
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f'<meta name="generator" content="crosshook {escape(version)}">',
            f"<title>{escape(top.title)} · {escape(top.value)}</title>",
            f"<style>{STYLESHEET}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#content">Skip to the content</a>',
            _header(top),
            _navigation(parts),
            '<main id="content">',
            *(_section(part, pictures) for part in parts),
            "</main>",
            f"<footer>crosshook {escape(version)}</footer>",
            pictures.shared(),
            "</body>",
            "</html>",
            "",
        ]
    )


def _header(top: Headline) -> str:
    cards = "".join(
        f'<div class="card"><dt>{escape(f.label)}</dt><dd>{escape(f.value)}</dd>'
        f'<dd class="help">{escape(f.help)}</dd></div>'
        for f in top.facts
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in top.notes)
    return (
        f'<header><p class="subtitle">{escape(top.subtitle)}</p><h1>{escape(top.title)}</h1>'
        f'<p class="value"><span class="label">{escape(top.value_label)}</span> '
        f"<strong>{escape(top.value)}</strong></p>"
        f'<dl class="cards">{cards}</dl>{notes}</header>'
    )


def _navigation(parts: Iterable[Section]) -> str:
    links = "".join(f'<a href="#{escape(p.id)}">{escape(p.title)}</a>' for p in parts)
    return f'<nav aria-label="sections">{links}</nav>'


def _section(part: Section, pictures: Pictures) -> str:
    lead = f'<p class="lead">{escape(part.lead)}</p>' if part.lead else ""
    figures = "".join(_figure(f, pictures) for f in part.figures)
    facts = _facts(part.facts)
    if len(part.figures) == 1 and facts:
        body = f'<div class="beside">{figures}{facts}</div>'
    else:
        body = facts + (f'<div class="figures">{figures}</div>' if figures else "")
    return (
        f'<section id="{escape(part.id)}"><h2>{escape(part.title)}</h2>{lead}'
        + body
        + "".join(_table(t) for t in part.tables)
        + "".join(_text(t) for t in part.texts)
        + "</section>"
    )


def _facts(facts: Iterable[Fact]) -> str:
    rows = "".join(
        f"<div><dt>{escape(f.label)}</dt><dd>{escape(f.value)}"
        + (f'<span class="help">{escape(f.help)}</span>' if f.help else "")
        + "</dd></div>"
        for f in facts
    )
    return f'<dl class="facts">{rows}</dl>' if rows else ""


def _figure(figure: Figure, pictures: Pictures) -> str:
    picture = pictures.inline(draw(figure), figure.alternative)
    return (
        f'<figure id="figure-{escape(figure.id)}">{picture}'
        f"<figcaption><b>{escape(figure.title)}</b> {escape(figure.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        made = (
            f'<{tag}{scope} class="number">{escape(_signs(cell))}</{tag}>'
            if i in table.numeric
            else f"<{tag}{scope}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(row(cells, "td") for cells in table.rows)
    caption = escape(table.caption)
    head = f"<thead>{row(table.columns, 'th')}</thead><tbody>{body}</tbody>"
    if table.folded:
        return (
            f"<details><summary>{caption}</summary>"
            f"{_scrolling(table.caption)}<table>{head}</table></div></details>"
        )
    return f"{_scrolling(table.caption)}<table><caption>{caption}</caption>{head}</table></div>"


def _scrolling(name: str) -> str:
    """The frame of a table that may be wider than the page: reached and moved with the keyboard."""
    label = escape(name if len(name) < 80 else name[:79] + "…")
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'


def _signs(text: str) -> str:
    """A number with the sign of the width of a digit."""
    return _MINUS.sub("−", text)


def _text(text: Text) -> str:
    return (
        f"<details><summary>{escape(text.caption)}</summary>"
        f'<pre tabindex="0">{escape(text.text)}</pre></details>'
    )
