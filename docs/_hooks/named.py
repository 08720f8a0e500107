"""Tables of names that are public, each with the first sentence of its docstring."""

from __future__ import annotations

import ast
import inspect

from docstrings import escaped
from source_reference import Function, tree_of


def names(module: str, *wanted: str) -> str:
    """A table of classes, functions and constants of a module."""
    body = tree_of(module).body
    typing = [part for node in body if isinstance(node, ast.If) for part in node.body]
    known = _sentences(typing) | _sentences(body)
    rows = [f"`{module}`", "", "| name | what it is |", "|---|---|"]
    rows += [f"| `{name}` | {escaped(known[name])} |" for name in wanted]
    return "\n".join(rows)


def _sentences(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for node, after in zip(body, [*body, None][1:], strict=True):
        if isinstance(node, ast.ClassDef | Function):
            found[node.name] = _first(ast.get_docstring(node) or "")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            text = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                text = _first(str(after.value.value))
            found |= {ast.unparse(target): text or "a constant" for target in targets}
    return found


def _first(docstring: str) -> str:
    paragraph = inspect.cleandoc(docstring).split("\n\n")[0]
    return " ".join(paragraph.split())
