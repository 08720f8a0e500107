"""The further weights of a run as a table: one row a weight, with its group and what it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.events.run_info import RunInfo


@dataclass(frozen=True)
class WeightRow:
    """One further weight.

    Attributes:
        column: in `EventBatch.weights`.
        id: its id.
        group: name or type of its group, or `""`.
        combine: how the group's weights make an uncertainty, as written, e.g. `envelope`, or `""`.
        text: its description, white space made single blanks.
        attributes: of the weight as written, e.g. `MUR`, `MUF`, `PDF`.
    """

    column: int
    id: str
    group: str
    combine: str
    text: str
    attributes: dict[str, str]


def weight_table(info: RunInfo) -> tuple[WeightRow, ...]:
    """What `<initrwgt>` says of each further weight, in the order of their columns."""
    rows = []
    for column, weight in enumerate(info.weights):
        group = info.weight_groups.get(weight.group, {})
        rows.append(
            WeightRow(
                column,
                weight.id,
                weight.group.strip(),
                group.get("combine", ""),
                " ".join(weight.text.split()),
                dict(weight.attributes),
            )
        )
    return tuple(rows)
