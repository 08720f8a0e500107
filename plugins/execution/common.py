"""What tasks of a stage have in common: it goes ahead, once, and a task travels with the rest."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.interfaces.executor import Task

LARGE: Final = 256
"""Bytes of a pickled argument from which it goes ahead of a task that has none to be compared with."""
NOTHING: Final = object()
"""Is no argument's value."""


@dataclass(frozen=True)
class CommonArguments:
    """Arguments that tasks share.

    Attributes:
        function: of all tasks.
        values: of the arguments.
        packed: the same, pickled.
    """

    function: str
    values: Mapping[str, object]
    packed: Mapping[str, bytes]

    @classmethod
    def of(cls, task: Task, following: Task | None) -> CommonArguments:
        """Those of a task that the one after it has, too; of the last task all that are large."""
        packed = {name: pickle.dumps(value) for name, value in task.arguments.items()}
        if following is None or following.function != task.function:
            shared = [name for name, data in packed.items() if len(data) >= LARGE]
        else:
            other = following.arguments
            shared = [
                name
                for name, value in task.arguments.items()
                if _same(other.get(name, NOTHING), value, packed[name])
            ]
        return cls(
            task.function,
            {name: task.arguments[name] for name in shared},
            {name: packed[name] for name in shared},
        )

    def rest(self, task: Task) -> dict[str, object] | None:
        """The other arguments of a task; None if it does not share these."""
        if task.function != self.function:
            return None
        for name, value in self.values.items():
            if not _same(task.arguments.get(name, NOTHING), value, self.packed[name]):
                return None
        return {n: value for n, value in task.arguments.items() if n not in self.values}


def _same(found: object, value: object, packed: bytes) -> bool:
    """Whether an argument is a value, or would be the same on the way."""
    return found is value or (found is not NOTHING and pickle.dumps(found) == packed)
