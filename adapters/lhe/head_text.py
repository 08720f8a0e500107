"""Formats what stands before the events: header blocks, weight declarations, the init block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.attributes import attributes_text

if TYPE_CHECKING:
    from crosshook.core.events.run_info import RunInfo, WeightInfo


VERSION: Final = "3.0"
"""What is written; a later version is kept as it was."""


def head_text(info: RunInfo) -> bytes:
    """Everything up to and including `</init>`, newline included."""
    parts = [f'<LesHouchesEvents version="{max(info.version, VERSION)}">\n']
    comments = "".join(map(_line, info.comments))
    blocks = "".join(f"<{key}>{text}</{key.split()[0]}>\n" for key, text in info.header.items())
    weights = initrwgt_text(info)
    if comments or blocks or weights:
        parts.append(f"<header>\n{comments}{blocks}{weights}</header>\n")
    parts.append(init_text(info))
    return "".join(parts).encode("utf-8", "surrogateescape")


def tail_text(info: RunInfo) -> bytes:
    """The end tag and what the file had after it."""
    return f"</LesHouchesEvents>\n{info.trailer}".encode("utf-8", "surrogateescape")


def initrwgt_text(info: RunInfo) -> str:
    """`<initrwgt>` with weights in their groups, in order; nothing if all are listed by place."""
    weights = [weight for weight in info.weights if not weight.listed]
    if not weights:
        return ""
    lines = ["<initrwgt>\n"]
    group = ""
    for weight in weights:
        if weight.group != group:
            lines.append("</weightgroup>\n" if group else "")
            lines.append(_group_tag(info, weight.group) if weight.group else "")
            group = weight.group
        lines.append(_weight_line(weight))
    lines.append("</weightgroup>\n" if group else "")
    return "".join([*lines, "</initrwgt>\n"])


def _group_tag(info: RunInfo, group: str) -> str:
    attributes = info.weight_groups.get(group) or {"name": group}
    return f"<weightgroup{attributes_text(attributes)}>\n"


def _weight_line(weight: WeightInfo) -> str:
    attributes = attributes_text({"id": weight.id, **weight.attributes})
    return f"<weight{attributes}>{weight.text}</weight>\n"


def init_text(info: RunInfo) -> str:
    """The init block (hep-ph/0109068), `<generator>` and unknown lines included."""
    beams = " ".join(map(str, info.beams))
    energies = " ".join(map(_real, info.energies))
    pdfs = " ".join(map(str, (*info.pdf_groups, *info.pdf_sets)))
    lines = [f"{beams} {energies} {pdfs} {info.weighting} {len(info.processes)}\n"]
    for p in info.processes:
        # Of one width, so that what is known at the end has a place at the beginning.
        numbers = (f"{_real(x):>23}" for x in (p.cross_section, p.error, p.maximum))
        lines.append(f"{' '.join(numbers)} {p.process_id}\n")
    for name, version, text in info.generators:
        attributes = {"name": name, "version": version} if version else {"name": name}
        lines.append(f"<generator{attributes_text(attributes)}>{text}</generator>\n")
    return "".join(["<init>\n", *lines, *map(_line, info.init_extra), "</init>\n"])


def _real(value: float) -> str:
    """The number with 7 decimals if these give it back, else with 10, else with 16."""
    for decimals in (7, 10):
        text = f"{value:.{decimals}e}"
        if float(text) == value:
            return text
    return f"{value:.16e}"


def _line(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
