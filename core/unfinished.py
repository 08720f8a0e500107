"""Finds what is left to fill in of a plugin's template, without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from crosshook.core.errors import UnfinishedError


@dataclass(frozen=True)
class Unfinished:
    """A method that raises an UnfinishedError.

    Attributes:
        name: e.g. `TiltMapping.forward`.
        line: where it raises it, from 1.
        hint: what the error says.
    """

    name: str
    line: int
    hint: str


def unfinished(source: str) -> list[Unfinished]:
    """The functions and methods of a module that are still to be filled in, in their order.

    Args:
        source: text of the module.

    Raises:
        SyntaxError: if it is not Python.
    """
    return list(_below(ast.parse(source), ()))


def _below(node: ast.AST, names: tuple[str, ...]) -> list[Unfinished]:
    found = []
    for child in ast.iter_child_nodes(node):
        inside = names
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inside = (*names, child.name)
        if isinstance(child, ast.Raise) and _is_unfinished(child.exc):
            found.append(Unfinished(".".join(names), child.lineno, _hint(child.exc)))
        found += _below(child, inside)
    return found


def _is_unfinished(raised: ast.expr | None) -> bool:
    if isinstance(raised, ast.Call):
        raised = raised.func
    name = raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")
    return bool(name == UnfinishedError.__name__)


def _hint(raised: ast.expr | None) -> str:
    if isinstance(raised, ast.Call) and raised.args and isinstance(raised.args[0], ast.Constant):
        return str(raised.args[0].value)
    return ""
