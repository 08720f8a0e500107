"""Entry points: every plugin of the group is found, and a broken one is kept as a fact."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest

from crosshook.core.entry_points import GROUP, find_plugins

if TYPE_CHECKING:
    from pathlib import Path


class _Distribution:
    def __init__(self, name: str) -> None:
        self.name, self.version = name, "1.0"


def point(name: str, target: str, distribution: str = "some-plugin") -> EntryPoint:
    return EntryPoint(name, target, GROUP)._for(_Distribution(distribution))  # type: ignore[attr-defined]


def test_plugin_is_imported_with_its_distribution() -> None:
    (plugin,) = find_plugins([point("maths", "math")])
    assert plugin.module is not None
    assert (plugin.distribution, plugin.version, plugin.status) == ("some-plugin", "1.0", "ok")


def test_missing_module_is_kept_as_broken() -> None:
    good, bad = find_plugins([point("a", "math"), point("b", "no_such_module_anywhere")])
    assert good.status == "ok"
    assert bad.module is None
    assert bad.status.startswith("broken: ModuleNotFoundError: No module named")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('first line\\nsecond line')", "RuntimeError: first line"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise RuntimeError()", "RuntimeError:"),
        ("def broken(:", "SyntaxError: "),
    ],
)
def test_whatever_an_import_raises_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    name = f"breaks_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(body + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (plugin,) = find_plugins([point("p", name)])
    assert plugin.reason.startswith(reason)
    assert "\n" not in plugin.reason


def test_two_entry_points_of_one_name_are_both_refused() -> None:
    plugins = find_plugins([point("same", "math", "first"), point("same", "json", "second")])
    assert [p.module for p in plugins] == [None, None]
    assert plugins[0].reason == "entry point name 'same' is also used by second"
    assert plugins[1].reason == "entry point name 'same' is also used by first"


def test_one_distribution_seen_twice_counts_once() -> None:
    assert len(find_plugins([point("a", "math"), point("a", "math")])) == 1


def test_built_in_plugins_are_installed() -> None:
    own = {p.name: p for p in find_plugins() if p.distribution == "crosshook"}
    assert {"builtin", "adapters"} <= set(own)
    assert all(p.status == "ok" for p in own.values())


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from crosshook.core.cli import main\n"
        "for words in (['--help'], ['plugins', 'list'], ['plugins', 'list', '--json']):\n"
        "    try: main(words)\n"
        "    except SystemExit as stop: assert not stop.code, stop.code\n"
        "heavy = {'torch', 'awkward', 'uproot', 'numba', 'numpy', 'jsonschema', 'rich'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
