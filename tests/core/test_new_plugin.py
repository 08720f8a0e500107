"""New plugins: complete as written, honest about what is missing, conforming once it is there."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from crosshook.core.entry_points import Plugin
from crosshook.core.errors import ConfigurationError, OutputError
from crosshook.core.interfaces import INTERFACES
from crosshook.core.new_plugin import LONGEST, NewPlugin, new_plugin
from crosshook.core.registry import Registry
from crosshook.core.testkit import checks_for, subject_of
from crosshook.core.testkit.conduct import CONDUCT
from crosshook.core.unfinished import unfinished
from tests.core.filled_templates import FILLED, IMPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.testkit import Outcome

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "plugins"
INSTALLED = ("channel_mapping", "process", "event_format")
"""Those that pip builds and installs, and whose conduct is looked at; it takes a second each."""


LONG = ("expectation_by_repetition_is_one", "chance_is_that_of_asking")
"""Checks of unweighters that repeat themselves for many seconds; `expectation_is_exact` says the same."""


def name_of(hook: str, prefix: str = "own") -> str:
    return f"{prefix}-{hook.replace('_', '-')}"


def package_of(made: NewPlugin) -> str:
    return made.component.parent.name


def fill_in(made: NewPlugin, hook: str, bodies: Mapping[str, str]) -> None:
    """Puts bodies in place of the errors of a template."""
    text = made.component.read_text("utf-8")
    for method, body in bodies.items():
        pattern = rf'^( *)raise UnfinishedError\("{method} is to be filled in: .*"\)\n'
        (indent,) = re.findall(pattern, text, re.MULTILINE)
        block = textwrap.indent(body.strip("\n") + "\n", indent)
        text = re.sub(pattern, lambda _, b=block: b, text, count=1, flags=re.MULTILINE)
    top = "from __future__ import annotations\n"
    made.component.write_text(text.replace(top, top + IMPORTED.get(hook, "")), "utf-8")


def outcomes(made: NewPlugin, hook: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """The kit on a package in this process, found by its entry point as written."""
    monkeypatch.syspath_prepend(str(made.component.parents[1]))
    module = importlib.import_module(package_of(made))
    registry = Registry([Plugin("own", module.__name__, made.folder.name, "0.1.0", module)])
    (registered,) = registry.components()
    subject = subject_of(registered, registry, interface=hook)
    left_out = LONG if hook in INSTALLED else (*LONG, *(law.__name__ for law in CONDUCT[1:]))
    return {c.name: c.outcome(subject) for c in checks_for(hook) if c.name not in left_out}


@pytest.mark.parametrize("hook", INTERFACES)
def test_template_says_what_is_missing(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No check passes judgement on what is not there; the first one lists it."""
    made = new_plugin(name_of(hook, "raw"), hook, tmp_path)
    assert [u.name.rpartition(".")[2] for u in made.unfinished] == list(FILLED[hook])
    found = outcomes(made, hook, monkeypatch)
    first = found.pop("nothing_is_left_to_fill_in")
    assert first.status == "failed"
    for place, finding in zip(made.unfinished, first.findings, strict=True):
        assert finding.message.startswith(place.hint)
        assert f"{place.name}, line {place.line} of {package_of(made)}.{hook}" in finding.message
    assert {o.status for o in found.values()} <= {"passed", "skipped"}
    waiting = [o.reason for o in found.values() if "is to be filled in" in o.reason]
    assert waiting or hook == "generator"  # whose program is missing, too


@pytest.mark.parametrize("hook", INTERFACES)
def test_filled_in_it_conforms(hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = new_plugin(name_of(hook), hook, tmp_path)
    fill_in(made, hook, FILLED[hook])
    assert unfinished(made.component.read_text("utf-8")) == []
    found = outcomes(made, hook, monkeypatch)
    assert [o for o in found.values() if o.status == "failed"] == []
    assert found["nothing_is_left_to_fill_in"].status == "passed"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package for every hook; some have the longest name there can be."""
    folder = tmp_path_factory.mktemp("packages")
    for hook in INTERFACES:
        new_plugin(name_of(hook), hook, folder)
        new_plugin(f"{name_of(hook)}-".ljust(LONGEST, "x"), hook, folder)
    return folder


def test_packages_are_formatted_and_lint_clean(packages: Path) -> None:
    pytest.importorskip("ruff", reason="ruff is not installed: pip install 'crosshook[dev]'")
    for command in (["check"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *command, "--no-cache", str(packages)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_packages_are_typed(packages: Path) -> None:
    """mypy --strict, on the types of this tree; its cache is there after `make typecheck`."""
    pytest.importorskip("mypy", reason="mypy is not installed: pip install 'crosshook[dev]'")
    sources = [str(p) for p in packages.glob("*/src") if not p.parent.name.endswith("x")]
    assert len(sources) == len(INTERFACES)
    sources += [str(p) for p in EXAMPLES.glob("*/src")]
    words = ["--strict", "--config-file", str(ROOT / "pyproject.toml")]
    words += ["--cache-dir", str(ROOT / ".mypy_cache"), *sources]
    subprocess.run([ROOT / ".ci" / "typing_links"], check=True, cwd=ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        env=os.environ | {"MYPYPATH": str(ROOT / ".typing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"\d+ source files", done.stdout), done.stdout + done.stderr
    ours = (str(packages), str(EXAMPLES), "examples")
    assert [line for line in done.stdout.splitlines() if line.startswith(ours)] == []


@pytest.mark.packaging
def test_packages_install_and_are_listed(packages: Path, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    folders = [str(packages / f"crosshook-{name_of(hook)}") for hook in INSTALLED]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(tmp_path)]
    subprocess.run([*command, *folders], check=True, capture_output=True)
    for hook in INSTALLED:
        package = tmp_path / f"crosshook_{name_of(hook).replace('-', '_')}"
        assert (package / "options.json").exists()
        assert (package / "py.typed").exists()
    done = subprocess.run(
        [sys.executable, "-m", "crosshook", "plugins", "list", "--json"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {
        (c["interface"], c["name"], c["distribution"], c["status"])
        for c in json.loads(done.stdout)["components"]
    }
    for hook in INSTALLED:
        assert (hook, name_of(hook), f"crosshook-{name_of(hook)}", "ok") in listed


@pytest.mark.parametrize(
    ("name", "hook", "message"),
    [
        ("Tilt", "channel_mapping", "'Tilt' is no name for a component: lower-case"),
        ("my_map", "channel_mapping", "e.g. my-mapping"),
        ("-x", "channel_mapping", "is no name"),
        ("x" * (LONGEST + 1), "channel_mapping", "30 characters at most"),
        ("class", "channel_mapping", "'class' is a keyword of Python"),
        ("none", "unfolder", "'none' is a keyword of Python"),
        ("off", "unfolder", "'off' is not read as a word in run files"),
        ("vegas", "channel_mapping", "the channel_mapping 'vegas' is there already, from cro"),
        ("channel", "channel_weights", "would make a class ChannelWeights, which crosshook has"),
        ("tilt", "command", "no hook 'command'; there are: channel_mapping,"),
    ],
)
def test_bad_names_are_refused(name: str, hook: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        new_plugin(name, hook, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_another_interface_is_free(tmp_path: Path) -> None:
    assert new_plugin("vegas", "unweighter", tmp_path).folder.is_dir()


def test_the_name_of_an_installed_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its components are called: pip would put the new package in its place."""
    installed = Registry([Plugin("x", "crosshook_own", "crosshook-own", "1.0", ModuleType("x"))])
    monkeypatch.setattr("crosshook.core.new_plugin.default_registry", lambda: installed)
    with pytest.raises(ConfigurationError, match="a package crosshook-own is installed, which"):
        new_plugin("own", "unfolder", tmp_path)


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    new_plugin("tilt", "channel_mapping", tmp_path)
    with pytest.raises(OutputError, match=r"crosshook-tilt: exists already"):
        new_plugin("tilt", "unfolder", tmp_path)
