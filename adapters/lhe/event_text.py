"""Formats events as LHE text, every number with the digits that give it back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.attributes import attributes_text
from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS, PARTICLE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.events.batch import EventBatch

PARTICLE_LINE: Final = "%9d %2d %4d %4d %4d %4d %23r %23r %23r %23r %23r %r %r\n"
EVENT_LINE: Final = "%3d %6d %r %r %r %r\n"


def event_texts(batch: EventBatch) -> Iterator[bytes]:
    """The text of each event, `<event>` to `</event>` with the final newline.

    `repr` of a float is the shortest text that reads back as the same float, and never has
    Fortran's `D`, which Pythia cannot read.
    """
    columns = [batch.particle_columns[name].tolist() for name in PARTICLE_COLUMNS]
    lines = [PARTICLE_LINE % row for row in zip(*columns, strict=True)]
    event = {name: column.tolist() for name, column in batch.event.items()}
    heads = zip(
        batch.counts.tolist(),
        event["process_id"],
        event["weight"],
        event["scale"],
        event["alpha_qed"],
        event["alpha_qcd"],
        strict=True,
    )
    weights = _weight_texts(batch)
    tags = _tags(batch, event)
    nothing = [b""] * len(batch)
    extra = batch.raw.get("extra", nothing)
    before = batch.raw.get("before", nothing)
    offsets = batch.offsets.tolist()
    for i, head in enumerate(heads):
        particles = "".join(lines[offsets[i] : offsets[i + 1]])
        text = f"{tags[i]}{EVENT_LINE % head}{particles}".encode()
        yield b"".join((before[i], text, extra[i], weights[i], b"</event>\n"))


def _tags(batch: EventBatch, event: dict[str, list[float]]) -> list[str]:
    """The opening tag of each event with its attributes."""
    pieces = [[""] * len(batch)]
    for name in OPTIONAL_EVENT_COLUMNS:
        if name in event:
            # A scale of 0 stands for one the event did not have.
            pieces.append(
                [f" {name}='{_number(v)}'" if v or name == "trials" else "" for v in event[name]]
            )
    attributes = batch.raw.get("attributes")
    if attributes is not None:
        pieces.append([f" {text.decode()}" if text else "" for text in attributes])
    return [f"<event{''.join(parts)}>\n" for parts in zip(*pieces, strict=True)]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _id(weight_id: str) -> str:
    """The id as an attribute, inside a template."""
    return attributes_text({"id": weight_id}).replace("%", "%%")


def _weight_texts(batch: EventBatch) -> list[bytes]:
    """`<rwgt>` and `<weights>` blocks of each event."""
    infos = batch.info.weights
    if not infos:
        return [b""] * len(batch)
    named = [(i, f"<wgt{_id(w.id)}> %r </wgt>\n") for i, w in enumerate(infos) if not w.listed]
    listed = [i for i, w in enumerate(infos) if w.listed]
    values = batch.weights.tolist()
    present = None if batch.present is None else batch.present.tolist()
    if present is None and not listed:
        template = "<rwgt>\n" + "".join(line for _, line in named) + "</rwgt>\n"
        return [(template % tuple(row)).encode() for row in values]
    texts = []
    for i, row in enumerate(values):
        has = [True] * len(row) if present is None else present[i]
        rwgt = "".join(line % row[k] for k, line in named if has[k])
        numbers = " ".join(repr(row[k]) for k in listed if has[k])
        text = f"<rwgt>\n{rwgt}</rwgt>\n" if rwgt else ""
        texts.append((text + (f"<weights> {numbers} </weights>\n" if numbers else "")).encode())
    return texts
