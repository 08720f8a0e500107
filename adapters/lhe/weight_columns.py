"""Assigns the further weights of events to columns, by id or by place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import WeightInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crosshook.core.events.layout import BoolArray, FloatArray

    Where = Callable[[], str]

WGT: Final = re.compile(
    rb"""<wgt\s++id\s*+=\s*+(?:"([^"\n]*+)"|'([^'\n]*+)')[^<>]*+>([^<]*+)</wgt"""
)
TABLE_LIMIT: Final = 1 << 27
"""Weights of one batch, a gigabyte; only files made to exhaust memory come near it."""
MEMO: Final = 64
"""Sequences of ids that are remembered; files have one or a few."""
Row = tuple[tuple[int, ...], list[float]]
"""Columns and values of one event's further weights."""


class WeightColumns:
    """The columns of further weights: declared ones first, then others as events bring them."""

    def __init__(self, declared: Sequence[WeightInfo]) -> None:
        self.weights = list(declared)
        self._declared = len(self.weights)
        self._column = {w.id.encode("utf-8", "surrogateescape"): i for i, w in enumerate(declared)}
        self._known: dict[tuple[bytes, ...], tuple[int, ...]] = {}
        self._regular: dict[tuple[bytes, ...], tuple[int, ...]] = {}
        self._listed: list[int] | None = None

    def read(self, rwgt: bytes, listed: bytes, where: Where) -> Row:
        """Further weights of one event.

        Args:
            rwgt: the inside of `<rwgt>`, or nothing.
            listed: the inside of `<weights>`, or nothing.
            where: beginning of messages.

        Raises:
            InputError: if something is no weight.
        """
        columns: tuple[int, ...] = ()
        values: list[float] = []
        if rwgt:
            tokens = rwgt.split()
            columns = self._regular.get(tuple(tokens[1::4]), ())
            n = len(columns)
            # `<wgt id=... > number </wgt>` throughout, with ids seen before.
            if not n or tokens[::4] != [b"<wgt"] * n or tokens[3::4] != [b"</wgt>"] * n:
                ids, texts = _irregular(rwgt, where)
                values = _reals(texts, where)
                columns = self._known.get(ids) or self._columns(ids)
                # Ids with blanks in them can look regular too; their numbers tell.
                if len(tokens) == 4 * len(columns) and tokens[2::4] == [t.strip() for t in texts]:
                    self._regular[tuple(tokens[1::4])] = columns
            else:
                values = _reals(tokens[2::4], where)
        if listed:
            numbers = _reals(listed.split(), where)
            columns += tuple(self._places(len(numbers), bool(rwgt), where))
            values += numbers
        return columns, values

    def _columns(self, ids: tuple[bytes, ...]) -> tuple[int, ...]:
        """Columns of ids, new ones for unknown ids."""
        columns = []
        for raw in ids:
            key = raw.strip()
            if key not in self._column:
                self._column[key] = len(self.weights)
                self.weights.append(WeightInfo(key.decode("utf-8", "surrogateescape")))
            columns.append(self._column[key])
        if len(self._known) >= MEMO:
            self._known.clear()
            self._regular.clear()
        self._known[ids] = tuple(columns)
        return self._known[ids]

    @property
    def columns(self) -> Mapping[bytes, int]:
        """The column of each id."""
        return self._column

    @property
    def listed(self) -> Sequence[int]:
        """Columns of the numbers in `<weights>`, as far as seen."""
        return self._listed or ()

    @property
    def exact(self) -> bool:
        """Whether `<weights>` must hold a number for each declared weight."""
        return bool(self._listed) and self.listed[0] < self._declared

    def _places(self, n: int, has_rwgt: bool, where: Where) -> list[int]:
        """Columns of a list of n weights: the declared ones where they fit, else their own."""
        if self._listed is None:
            fits = not has_rwgt and n == self._declared
            self._listed = list(range(n)) if fits else []
        if self.exact:
            if n != self._declared:
                message = f"{where()}: {n} numbers in <weights>, {self._declared} declared"
                raise InputError(message)
            return self._listed
        while len(self._listed) < n:
            self._listed.append(len(self.weights))
            name = f"weights_{len(self._listed)}"
            while name.encode() in self._column:
                name += "_"
            self._column[name.encode()] = len(self.weights)
            self.weights.append(WeightInfo(name, listed=True))
        return self._listed[:n]

    def table(self, rows: Sequence[Row]) -> tuple[FloatArray, BoolArray | None]:
        """Rows as `(n, columns)` with their presence, None where all are present."""
        width = len(self.weights)
        check_size(len(rows), width)
        everything = tuple(range(width))
        if all(columns == everything for columns, _ in rows):
            return np.array([values for _, values in rows]).reshape(len(rows), width), None
        table = np.zeros((len(rows), width))
        present = np.zeros((len(rows), width), np.bool_)
        for i, (columns, values) in enumerate(rows):
            table[i, list(columns)] = values
            present[i, list(columns)] = True
        return table, present


def _irregular(rwgt: bytes, where: Where) -> tuple[tuple[bytes, ...], list[bytes]]:
    """Ids and texts of weights in any notation."""
    found = WGT.findall(rwgt)
    if len(found) != rwgt.count(b"<wgt"):
        message = f"{where()}: {rwgt.count(b'<wgt')} weights begun, {len(found)} readable"
        raise InputError(message)
    return tuple(one or other for one, other, _ in found), [text for _, _, text in found]


def _reals(texts: Sequence[bytes], where: Where) -> list[float]:
    try:
        if b"_" not in b"".join(texts):  # which Python takes for digits
            return [float(text) for text in texts]
    except ValueError:
        pass
    return [real(text.strip(), where()) for text in texts]


def check_size(rows: int, width: int) -> None:
    """Refuses tables of weights that do not fit into memory.

    Raises:
        InputError: with the figure.
    """
    if rows * width > TABLE_LIMIT:
        message = (
            f"{rows} events with {width} further weights each take {rows * width >> 17} MB; "
            "read fewer events at a time"
        )
        raise InputError(message)
