"""Expressions over the momenta of an event, as run files use them for cuts, scales and histograms.

The language is a small part of Python's expressions, parsed but never executed as Python:

    pt[0]  eta[1]  y[0]  phi[0]  e[0]  mt[0]  m[0]     one final-state leg, counted from 0
    m[0,1]  pt[0,1]  y[0,1]                            the sum of several legs
    delta_r[0,1]  delta_phi[0,1]  delta_eta[0,1]       two legs
    m  sum_pt  ht                                      the whole final state (ht sums m_T)
    mll                                                its charged leptons and neutrinos
    numbers, + - * / **, comparisons, and, or, not, abs(), sqrt(), log(), exp(), min(), max()
"""

from __future__ import annotations

import ast
import operator
import sys
from functools import reduce
from typing import TYPE_CHECKING, Final, NoReturn

import torch

from crosshook.core import kinematics
from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LEPTONS: Final = frozenset(range(11, 17))
MAX_LENGTH: Final = 1000
MAX_DEPTH: Final = 50
"""Deepest nesting: far above any observable, far below Python's own limit on recursion."""

OF_SUM: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "pt": kinematics.pt,
    "eta": kinematics.eta,
    "y": kinematics.rapidity,
    "phi": kinematics.phi,
    "m": kinematics.mass,
    "mt": kinematics.transverse_mass,
    "e": lambda p: p[..., 0],
}
OF_PAIR: Final[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "delta_r": kinematics.delta_r,
    "delta_phi": kinematics.delta_phi,
    "delta_eta": lambda p, q: kinematics.eta(p) - kinematics.eta(q),
}
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
COMPARE: Final[dict[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Expression:
    """A parsed expression, ready for any number of events of one final state.

    Attributes:
        text: as written.
        is_condition: it is true or false, not a quantity.
    """

    def __init__(self, text: str, pdg: tuple[int, ...], where: str = "expression") -> None:
        """Parses and checks.

        Args:
            text: the expression.
            pdg: PDG ids of the final state.
            where: path in the run file, for messages.

        Raises:
            ConfigurationError: if something in it is not part of the language, or the final state
                lacks a leg it names.
        """
        self.text = text
        self._pdg = pdg
        self._where = where
        if len(text) > MAX_LENGTH:
            self._fail(f"longer than {MAX_LENGTH} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ConfigurationError(self._about("not an expression")) from error
        if _depth(self._tree) > MAX_DEPTH:
            self._fail(f"nested more than {MAX_DEPTH} deep")
        # One throw-away event: every name, leg and type is checked before a run.
        momenta = torch.ones((1, len(pdg), 4), dtype=torch.float64, device="cpu")
        self.is_condition = self(momenta).dtype == torch.bool

    @classmethod
    def quantity(cls, text: str, pdg: tuple[int, ...], where: str) -> Expression:
        """An expression that must have a number as its value; arguments as above."""
        parsed = cls(text, pdg, where)
        if parsed.is_condition:
            parsed._fail("a condition, where a quantity is needed")
        return parsed

    @classmethod
    def condition(cls, text: str, pdg: tuple[int, ...], where: str) -> Expression:
        """An expression that must be true or false; arguments as above."""
        parsed = cls(text, pdg, where)
        if not parsed.is_condition:
            parsed._fail("a quantity, where a condition is needed, e.g. pt[0] > 30")
        return parsed

    def __call__(self, final: Tensor) -> Tensor:
        """Evaluates.

        Args:
            final: momenta of the final-state legs, `(n, j, 4)` in GeV.

        Returns:
            `(n,)`, float64 for quantities, bool for conditions.
        """
        return self._value(self._tree, final)

    def _about(self, what: str) -> str:
        return f"{self._where}: {self.text[:80]!r}: {what}"

    def _fail(self, what: str) -> NoReturn:
        raise ConfigurationError(self._about(what))

    def _value(self, node: ast.expr, final: Tensor) -> Tensor:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return torch.full(
                    final.shape[:1], self._number(number), dtype=final.dtype, device=final.device
                )
            case ast.Name(id=name):
                return self._whole(name, final)
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                return self._legs(name, self._indices(index, final), final)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._quantity(operand, final)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self._condition(operand, final)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return BINARY[type(op)](self._quantity(left, final), self._quantity(right, final))
            case ast.BoolOp(op=op, values=values):
                conditions = [self._condition(v, final) for v in values]
                return reduce(
                    torch.logical_and if isinstance(op, ast.And) else torch.logical_or, conditions
                )
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparison(left, ops, others, final)
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]) if (
                name in FUNCTIONS and (len(arguments) == 1) != (name in ("min", "max"))
            ):
                return FUNCTIONS[name](*(self._quantity(a, final) for a in arguments))
        self._fail(f"{ast.unparse(node)!r} is not part of the language")

    def _number(self, written: float) -> float:
        if not abs(written) <= sys.float_info.max:
            self._fail("a number is too large")
        return float(written)

    def _quantity(self, node: ast.expr, final: Tensor) -> Tensor:
        value = self._value(node, final)
        if value.dtype == torch.bool:
            self._fail(f"{ast.unparse(node)!r} is a condition, not a quantity")
        return value

    def _condition(self, node: ast.expr, final: Tensor) -> Tensor:
        value = self._value(node, final)
        if value.dtype != torch.bool:
            self._fail(f"{ast.unparse(node)!r} is a quantity, not a condition")
        return value

    def _comparison(
        self,
        left: ast.expr,
        ops: list[ast.cmpop],
        others: list[ast.expr],
        final: Tensor,
    ) -> Tensor:
        values = [self._quantity(v, final) for v in (left, *others)]
        parts = []
        for op, low, high in zip(ops, values, values[1:], strict=False):
            if type(op) not in COMPARE:
                self._fail("only <, <=, > and >= compare quantities")
            parts.append(COMPARE[type(op)](low, high))
        return reduce(torch.logical_and, parts)

    def _whole(self, name: str, final: Tensor) -> Tensor:
        if name == "sum_pt":
            return kinematics.pt(final).sum(dim=1)
        if name == "ht":
            return kinematics.transverse_mass(final).sum(dim=1)
        if name == "mll":
            chosen = [i for i, p in enumerate(self._pdg) if abs(p) in LEPTONS]
            if not chosen:
                self._fail("mll: this process has no leptons in its final state")
            return kinematics.mass(final[:, chosen].sum(dim=1))
        if name in OF_SUM:
            return OF_SUM[name](final.sum(dim=1))
        known = sorted({*OF_SUM, *OF_PAIR, "sum_pt", "ht", "mll"})
        self._fail(f"no quantity {name!r}; known: {', '.join(known)}")

    def _legs(self, name: str, legs: list[int], final: Tensor) -> Tensor:
        if name in OF_SUM:
            return OF_SUM[name](final[:, legs].sum(dim=1))
        if name in OF_PAIR:
            if len(legs) != 2:
                self._fail(f"{name} takes two legs, {len(legs)} given")
            return OF_PAIR[name](final[:, legs[0]], final[:, legs[1]])
        self._fail(f"no quantity {name!r} of legs; known: {', '.join((*OF_SUM, *OF_PAIR))}")

    def _indices(self, node: ast.expr, final: Tensor) -> list[int]:
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        legs = []
        for part in parts:
            if not isinstance(part, ast.Constant) or type(part.value) is not int:
                self._fail(f"{ast.unparse(part)!r} is not a leg number")
            if not 0 <= part.value < final.shape[1]:
                self._fail(
                    f"there is no final-state leg {part.value}; "
                    f"the process has {final.shape[1]}, counted from 0"
                )
            if part.value in legs:
                self._fail(f"leg {part.value} is named twice")
            legs.append(part.value)
        return legs


def _depth(tree: ast.AST) -> int:
    """Levels of a syntax tree, found without recursion."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth
