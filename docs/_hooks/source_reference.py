"""Reference of modules, read from their source: nothing of them is imported."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from docstrings import escaped, to_markdown

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 88
Function = ast.FunctionDef | ast.AsyncFunctionDef


def source_of(module: str) -> Path:
    """File of `crosshook.X.Y`: folder X at the top is the package crosshook.X."""
    _, *parts = module.split(".")
    base = ROOT.joinpath(*parts) if parts else ROOT / "core" / "facade"
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def tree_of(module: str) -> ast.Module:
    """Syntax tree of a module."""
    return ast.parse(source_of(module).read_text("utf-8"))


def module_text(module: str) -> str:
    """A module's docstring without its first sentence's line, which the page says better."""
    text = inspect.cleandoc(ast.get_docstring(tree_of(module)) or "")
    _, _, rest = text.partition("\n\n")
    return to_markdown(rest)


def interface(name: str) -> str:
    """The protocol of an interface with its methods, then the records that go with it."""
    from crosshook.core.interfaces import INTERFACES

    module, _, protocol = INTERFACES[name].protocol.partition(":")
    classes = [node for node in tree_of(module).body if isinstance(node, ast.ClassDef)]
    classes.sort(key=lambda node: node.name != protocol)
    if protocol not in {node.name for node in classes}:
        raise LookupError(protocol)
    return "\n\n".join(_class(node, "###") for node in classes)


def members(module: str, *names: str) -> str:
    """Classes and functions of a module by name."""
    known = {
        node.name: node
        for node in tree_of(module).body
        if isinstance(node, ast.ClassDef | Function)
    }
    parts = []
    for name in names:
        node = known[name]
        if isinstance(node, ast.ClassDef):
            parts.append(_class(node, "###", module))
        else:
            parts.append(_function(node, "###", module))
    return "\n\n".join(parts)


def public() -> str:
    """Everything `crosshook` itself offers, by name; what is no class or function is left out."""
    import crosshook

    offered = {name: getattr(crosshook, name) for name in crosshook.__all__}
    return "\n\n".join(
        members(value.__module__, name)
        for name, value in offered.items()
        if hasattr(value, "__qualname__")
    )


def error_table() -> str:
    """Every error with its exit code, the codes inherited where a class sets none."""
    codes: dict[str, str] = {}
    rows = ["| error | exit code | when |", "|---|---|---|"]
    for node in tree_of("crosshook.core.errors").body:
        if not isinstance(node, ast.ClassDef):
            continue
        base = ast.unparse(node.bases[0])
        own = [
            ast.unparse(part.value)
            for part in node.body
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "exit_code"
        ]
        codes[node.name] = own[0] if own else codes[base]
        text = escaped(" ".join((ast.get_docstring(node) or "").split()))
        rows.append(f"| `{node.name}` | {codes[node.name]} | {text} |")
    return "\n".join(rows)


def _class(node: ast.ClassDef, level: str, module: str = "") -> str:
    bases = [b for b in map(ast.unparse, node.bases) if b != "Protocol"]
    head = f"class {node.name}" + (f"({', '.join(bases)})" if bases else "")
    parts = [f"{level} {node.name}", f"```text\n{head}\n```"]
    if module:
        parts[1] = f"```text\n{head}    # {module}\n```"
    parts.append(to_markdown(ast.get_docstring(node) or ""))
    for part in node.body:
        if isinstance(part, Function) and not part.name.startswith("_"):
            parts.append(_function(part, f"{level}#"))
        elif isinstance(part, Function) and part.name == "__init__":
            parts.append(_function(part, f"{level}#", title=f"{node.name}(…)"))
    return "\n\n".join(parts)


def _function(node: Function, level: str, module: str = "", title: str = "") -> str:
    marks = {ast.unparse(d) for d in node.decorator_list}
    parts = [f"{level} {title or node.name}"]
    if "property" not in marks:
        where = f"    # {module}" if module else ""
        parts.append(f"```text\n{_signature(node)}{where}\n```")
    parts.append(to_markdown(ast.get_docstring(node) or ""))
    return "\n\n".join(parts)


def _signature(node: Function) -> str:
    every = node.args
    plain = [*every.posonlyargs, *every.args]
    words = [_argument(a) for a in plain]
    for place, default in zip(
        range(len(plain) - len(every.defaults), len(plain)), every.defaults, strict=True
    ):
        words[place] += f" = {ast.unparse(default)}"
    if every.vararg is not None:
        words.append(f"*{_argument(every.vararg)}")
    elif every.kwonlyargs:
        words.append("*")
    for argument, default_ in zip(every.kwonlyargs, every.kw_defaults, strict=True):
        tail = "" if default_ is None else f" = {ast.unparse(default_)}"
        words.append(f"{_argument(argument)}{tail}")
    words = [word for word in words if word not in ("self", "cls")]
    made = node.name == "__init__"
    result = "" if made or node.returns is None else f" -> {ast.unparse(node.returns)}"
    name = "" if made else node.name
    line = f"{name}({', '.join(words)}){result}"
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"    {word},\n" for word in words)
    return f"{name}(\n{inside}){result}"


def _argument(node: ast.arg) -> str:
    if node.annotation is None:
        return node.arg
    return f"{node.arg}: {ast.unparse(node.annotation)}".replace("'", "")
