"""Grammar of expressions: a small part of Python's, parsed but never executed as Python.

    numbers, + - * / **, comparisons, and, or, not, abs(), sqrt(), log(), exp(), min(), max()

What names and indices mean is up to the language: the final state of a process in run files
(`crosshook.core.process.expression`), events of any kind in files
(`crosshook.core.events.event_expression`).
"""

from __future__ import annotations

import ast
import operator
import sys
from abc import ABC, abstractmethod
from functools import reduce
from typing import TYPE_CHECKING, ClassVar, Final, Generic, NoReturn, Self, TypeVar

import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

MAX_LENGTH: Final = 1000
MAX_DEPTH: Final = 50
"""Deepest nesting: far above any observable, far below Python's own limit on recursion."""

FUNCTIONS: Final[dict[str, Callable[..., Tensor]]] = {
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "log": torch.log,
    "exp": torch.exp,
    "min": lambda *a: reduce(torch.minimum, a),
    "max": lambda *a: reduce(torch.maximum, a),
}
BINARY: Final[dict[type[ast.operator], Callable[[Tensor, Tensor], Tensor]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
ORDER: Final[dict[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

D = TypeVar("D")
"""What an expression is evaluated on."""


class Expression(ABC, Generic[D]):
    """A parsed expression, ready for any number of events.

    Attributes:
        text: as written.
        is_condition: it is true or false, not a quantity.
    """

    compare: ClassVar[Mapping[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]]] = ORDER
    comparisons: ClassVar[str] = "only <, <=, > and >= compare quantities"

    def __init__(self, text: str, where: str, trial: D) -> None:
        """Parses and checks.

        Args:
            text: the expression.
            where: where it was written, for messages.
            trial: something to evaluate it on, so that every name and type is checked at once.

        Raises:
            ConfigurationError: if something in it is not part of the language.
        """
        self.text = text
        self._where = where
        if len(text) > MAX_LENGTH:
            self._fail(f"longer than {MAX_LENGTH} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ConfigurationError(self._about("not an expression")) from error
        if _depth(self._tree) > MAX_DEPTH:
            self._fail(f"nested more than {MAX_DEPTH} deep")
        self.is_condition = self._value(self._tree, trial).dtype == torch.bool

    @abstractmethod
    def _constant(self, value: float, data: D) -> Tensor:
        """The number for every event, `(n,)`."""

    @abstractmethod
    def _named(self, name: str, data: D) -> Tensor:
        """The quantity a bare name stands for, `(n,)`."""

    @abstractmethod
    def _indexed(self, name: str, index: ast.expr, data: D) -> Tensor:
        """The quantity `name[index]` stands for, `(n,)`."""

    def must_be_quantity(self) -> Self:
        """The expression itself, if its value is a number.

        Raises:
            ConfigurationError: if it is true or false.
        """
        if self.is_condition:
            self._fail("a condition, where a quantity is needed")
        return self

    def must_be_condition(self) -> Self:
        """The expression itself, if it is true or false.

        Raises:
            ConfigurationError: if its value is a number.
        """
        if not self.is_condition:
            self._fail("a quantity, where a condition is needed, e.g. pt[0] > 30")
        return self

    def _about(self, what: str) -> str:
        return f"{self._where}: {self.text[:80]!r}: {what}"

    def _fail(self, what: str) -> NoReturn:
        raise ConfigurationError(self._about(what))

    def _value(self, node: ast.expr, data: D) -> Tensor:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._constant(self._number(number), data)
            case ast.Name(id=name):
                return self._named(name, data)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self._indexed(name, index, data)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._quantity(operand, data)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self._condition(operand, data)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return BINARY[type(op)](self._quantity(left, data), self._quantity(right, data))
            case ast.BoolOp(op=op, values=values):
                conditions = [self._condition(v, data) for v in values]
                return reduce(
                    torch.logical_and if isinstance(op, ast.And) else torch.logical_or, conditions
                )
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparison(left, ops, others, data)
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]) if (
                name in FUNCTIONS and (len(arguments) == 1) != (name in ("min", "max"))
            ):
                return FUNCTIONS[name](*(self._quantity(a, data) for a in arguments))
        self._fail(f"{ast.unparse(node)!r} is not part of the language")

    def _number(self, written: float) -> float:
        if not abs(written) <= sys.float_info.max:
            self._fail("a number is too large")
        return float(written)

    def _quantity(self, node: ast.expr, data: D) -> Tensor:
        value = self._value(node, data)
        if value.dtype == torch.bool:
            self._fail(f"{ast.unparse(node)!r} is a condition, not a quantity")
        return value

    def _condition(self, node: ast.expr, data: D) -> Tensor:
        value = self._value(node, data)
        if value.dtype != torch.bool:
            self._fail(f"{ast.unparse(node)!r} is a quantity, not a condition")
        return value

    def _comparison(
        self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], data: D
    ) -> Tensor:
        values = [self._quantity(v, data) for v in (left, *others)]
        parts = []
        for op, low, high in zip(ops, values, values[1:], strict=False):
            if type(op) not in self.compare:
                self._fail(self.comparisons)
            parts.append(self.compare[type(op)](low, high))
        return reduce(torch.logical_and, parts)

    def _parts(self, index: ast.expr) -> list[ast.expr]:
        """What is inside the brackets, one entry a leg."""
        return index.elts if isinstance(index, ast.Tuple) else [index]

    def _leg_number(self, part: ast.expr) -> int:
        if not isinstance(part, ast.Constant) or type(part.value) is not int:
            self._fail(f"{ast.unparse(part)!r} is not a leg number")
        return part.value


def _depth(tree: ast.AST) -> int:
    """Levels of a syntax tree, found without recursion."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth
