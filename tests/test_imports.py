"""Imports go schemas <- core <- {plugins, adapters}; only the façade may look further, lazily."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("schemas", "core", "plugins", "adapters")
ALLOWED = {
    "schemas": {"schemas"},
    "core": {"core", "schemas"},
    "plugins": {"plugins", "core", "schemas"},
    "adapters": {"adapters", "core", "schemas"},
}
RECORDS = ("plugins/__init__.py", "adapters/__init__.py", "core/component.py", "core/hooks.py")
LIGHT = {"crosshook", "collections", "typing", "dataclasses", "pluggy", "__future__"}

FILES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.relative_to(ROOT).parts[:2] != ("core", "facade")
]


def imported(path: Path) -> set[str]:
    """Full names of everything a file imports, type-checking blocks included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_go_one_way(folder: str) -> None:
    wrong = []
    for path in FILES:
        if path.relative_to(ROOT).parts[0] != folder:
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[0] in FOLDERS:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}: write crosshook.{name}")
            if parts[0] != "crosshook" or len(parts) < 2 or parts[1] not in FOLDERS:
                continue
            if parts[1] not in ALLOWED[folder]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", RECORDS)
def test_records_import_nothing_heavy(name: str) -> None:
    assert {n.split(".")[0] for n in imported(ROOT / name)} <= LIGHT


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in FILES
        if len(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "") < 15
    ]
    assert not silent, f"no docstring that says what the file is for: {', '.join(silent)}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_refuse_to_be_imported_under_their_own_name(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"ImportError: this folder is the package crosshook.{folder}" in done.stderr


def test_facade_refuses_another_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import facade"],
        cwd=ROOT / "core",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ImportError: this folder is the package crosshook and" in done.stderr


def test_importing_crosshook_is_light_and_gives_its_names() -> None:
    """What a plugin's records need comes without torch; other names load what they are made of."""
    code = (
        "import sys, crosshook\n"
        "assert set(sys.modules).isdisjoint({'torch', 'numpy', 'pluggy', 'click'})\n"
        "from crosshook import Capabilities, Component, CrosshookError, default_registry, hookimpl\n"
        "default_registry()\n"
        "assert set(sys.modules).isdisjoint({'torch', 'numpy'})\n"
        "for name in crosshook.__all__: getattr(crosshook, name)\n"
        "assert set(crosshook.__all__) <= set(dir(crosshook))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
