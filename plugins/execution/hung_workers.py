"""Workers that hang: seen at the same bundle for as long as the time limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class HungWorkers:
    """Remembers since when workers are at their bundles, as far as somebody looked.

    How long a worker took to start is not counted, for it may have come a moment ago.
    """

    def __init__(self, time_limit: float) -> None:
        """Has seen nothing yet; `time_limit` in seconds is that of a bundle."""
        self._time_limit = time_limit
        self._since: dict[tuple[str, str], float] = {}

    def found(
        self, processing: Mapping[str, Collection[str]], sent: Sequence[str], now: float
    ) -> list[str]:
        """Addresses of those that hang; to be asked at least twice within the time limit.

        Args:
            processing: names of the bundles that each worker has, and of what else it does.
            sent: names of the bundles on their way, in the order they were sent: the one that was
                sent first is begun first.
            now: seconds, by any clock.
        """
        place = {name: number for number, name in enumerate(sent)}
        since = {}
        for worker, names in processing.items():
            own = [name for name in names if name in place]
            if own:
                at = worker, min(own, key=place.__getitem__)
                since[at] = self._since.get(at, now)
        self._since = since
        return [worker for (worker, _), begun in since.items() if now - begun >= self._time_limit]
