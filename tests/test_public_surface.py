"""Nothing inside is privileged: built-ins use the names that docs/api.md promises to everybody."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from crosshook import _HOMES
from crosshook.core import hooks as hookspecs
from crosshook.core import testkit
from crosshook.core.interfaces import INTERFACES

ROOT = Path(__file__).parents[1]
LISTED = re.compile(r"<!-- generated: (?:api|names) (crosshook\.core\S*) (.*?) -->")
PAGES = (ROOT / "docs" / "api.md", *sorted((ROOT / "docs" / "hooks").glob("*.md")))
USERS = {
    "plugins": "*.py",
    "adapters": "*.py",
    "examples/plugins": "*.py",
    "tests/example_plugin": "*.py",
    "core/templates": "*.py.template",
}
"""Who lives on the public surface, and what their files are called."""
INTERFACE = "crosshook.core.interfaces."


def public() -> dict[str, set[str]]:
    """Names by module: what api.md and the hooks' pages list, and what `crosshook` offers."""
    found: dict[str, set[str]] = {}
    for page in PAGES:
        for module, names in LISTED.findall(page.read_text("utf-8")):
            found.setdefault(module, set()).update(names.split())
    for name, module in _HOMES.items():
        found.setdefault(module, set()).add(name)
    return found | {"crosshook.core.testkit": set(testkit.__all__)}


PUBLIC = public()


def used(folder: str) -> list[tuple[Path, str, str]]:
    """File, module and name of everything taken from core; interfaces are public as a whole."""
    found = []
    for path in sorted((ROOT / folder).rglob(USERS[folder])):
        text = re.sub(r"\$\{?\w+\}?", "x", path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "crosshook.core"
            ):
                module = str(node.module)
                if not f"{module}.".startswith(INTERFACE):
                    found += [(path, module, alias.name) for alias in node.names]
            elif isinstance(node, ast.Import):
                found += [
                    (path, alias.name, "")
                    for alias in node.names
                    if alias.name.startswith("crosshook.core")
                ]
    return found


def is_public(module: str, name: str) -> bool:
    """Whether a name is listed; a module is where any of its names is."""
    whole = f"{module}.{name}".rstrip(".")
    return name in PUBLIC.get(module, ()) or bool(PUBLIC.get(whole))


@pytest.mark.parametrize("folder", USERS)
def test_only_public_names_are_used(folder: str) -> None:
    taken = used(folder)
    assert taken
    wrong = [
        f"{path.relative_to(ROOT)}: {module}.{name} is not public; if it should be, it goes into "
        f"docs/api.md: <!-- generated: names {module} {name} -->"
        for path, module, name in taken
        if not is_public(module, name)
    ]
    assert not wrong, "\n".join(wrong)


def test_public_names_exist_and_are_not_private() -> None:
    for module, names in PUBLIC.items():
        loaded = importlib.import_module(module)
        # Aliases of types may be there for type checkers only.
        typing = re.findall(r"^    (\w+) = ", inspect.getsource(loaded), re.MULTILINE)
        missing = [name for name in names if not hasattr(loaded, name) and name not in typing]
        assert not missing, f"{module}: {missing}"
        assert not [name for name in names if name.startswith("_")], module


def test_each_name_is_listed_once() -> None:
    """One place: two descriptions of one name would drift apart."""
    text = PAGES[0].read_text("utf-8")
    listed = [f"{m}.{n}" for m, names in LISTED.findall(text) for n in names.split()]
    assert sorted(listed) == sorted(set(listed))


def test_every_hook_is_listed() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("crosshook_")}
    assert hooks == PUBLIC["crosshook.core.hooks"]


def test_every_interface_is_documented_whole() -> None:
    for interface in INTERFACES.values():
        page = ROOT / "docs" / "hooks" / f"{interface.name.replace('_', '-')}.md"
        assert f"<!-- generated: interface {interface.name} -->" in page.read_text("utf-8")
