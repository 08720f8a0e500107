"""Which set and quantity a column of lists is: names say it where sets have several columns.

`particle_pt`, `particle_eta` and `particle_d0_sig` are one set, `particle`, with the quantities
`pt`, `eta` and `d0_sig`; `large_jet_pt` and `large_track_pt` are two if their lists differ in length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.unfolding.tables import Lists


def set_names(lists: Mapping[str, Lists]) -> dict[str, tuple[str, str]]:
    """Set and quantity of each column.

    Columns whose first words and whose lengths agree are a set, named by all words they share. A
    column that stands alone is named by all of its words but the last; one of a single word is
    both.

    Args:
        lists: columns by name without prefix.
    """
    return _named(lists, list(lists), 0)


def _named(
    lists: Mapping[str, Lists], keys: Sequence[str], shared: int
) -> dict[str, tuple[str, str]]:
    """Names of columns whose first words agree, so many of them."""
    families: dict[tuple[str, ...], list[str]] = {}
    for key in keys:
        words = key.split("_")
        # The last word is the quantity's, never the set's.
        families.setdefault(tuple(words[: min(shared + 1, len(words) - 1)]), []).append(key)
    found: dict[str, tuple[str, str]] = {}
    for start, members in families.items():
        if len(members) == 1:
            group, _, quantity = members[0].rpartition("_")
            found[members[0]] = (group or members[0], quantity)
        elif start and (_one_length(lists, members) or len(start) == shared):
            common = len(start)
            stems = [key.split("_")[:-1] for key in members]
            while all(s[: common + 1] == stems[0][: common + 1] for s in stems) and (
                common < len(stems[0])
            ):
                common += 1
            name = "_".join(stems[0][:common])
            found.update({key: (name, key[len(name) + 1 :]) for key in members})
        elif start:
            found.update(_named(lists, members, shared + 1))
        else:
            found.update({key: (key, key) for key in members})
    return {key: found[key] for key in keys}


def _one_length(lists: Mapping[str, Lists], keys: Sequence[str]) -> bool:
    first = lists[keys[0]].counts
    return all(np.array_equal(first, lists[key].counts) for key in keys[1:])
