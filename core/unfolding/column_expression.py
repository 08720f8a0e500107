"""Expressions over the columns of a table: conditions, weights and observables.

The grammar is that of `crosshook.core.expression`; names are columns, and `NAME[0]` is the first
value of a column of lists (NaN where a list is shorter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.expression import Expression
from crosshook.core.unfolding.tables import Lists, Table

if TYPE_CHECKING:
    import ast

    from torch import Tensor


class ColumnExpression(Expression[Table]):
    """A parsed expression over the columns of one table."""

    def __init__(self, text: str, table: Table, where: str) -> None:
        """Parses and checks.

        Args:
            text: the expression.
            table: with the columns.
            where: where it was written, for messages.

        Raises:
            ConfigurationError: if something in it is not part of the language.
            InputError: if the table lacks a column.
        """
        self._table = table
        super().__init__(text, where, table.taken(np.zeros(table.length, np.bool_)))

    def values(self) -> Tensor:
        """A quantity of each row, `(n,)` float64."""
        return self.must_be_quantity()._value(self._tree, self._table)

    def holds(self) -> Tensor:
        """Which rows fulfil a condition, `(n,)` bool."""
        return self.must_be_condition()._value(self._tree, self._table)

    def _constant(self, value: float, data: Table) -> Tensor:
        return torch.full((data.length,), value, dtype=torch.float64, device="cpu")

    def _named(self, name: str, data: Table) -> Tensor:
        column = self._column(name, data)
        if isinstance(column, Lists):
            self._fail(f"{name} is a column of lists; their first values are {name}[0]")
        return torch.from_numpy(np.ascontiguousarray(column))

    def _indexed(self, name: str, index: ast.expr, data: Table) -> Tensor:
        column = self._column(name, data)
        if not isinstance(column, Lists):
            self._fail(f"{name} is no column of lists: write it without brackets")
        number = self._leg_number(index)
        if number < 0:
            self._fail(f"{name}[{number}]: values are counted from 0")
        made = np.full(data.length, np.nan)
        there = column.counts > number
        first = np.cumsum(column.counts) - column.counts
        made[there] = column.values[first[there] + number]
        return torch.from_numpy(made)

    def _column(self, name: str, data: Table) -> np.ndarray | Lists:
        try:
            return data.column(name)
        except InputError as error:
            raise InputError(self._about(str(error))) from error
