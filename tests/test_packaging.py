"""Distributions: what the tree holds is what a wheel installs, and nothing else is installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "plugins", "adapters", "schemas")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NEXT = runpy.run_path(str(ROOT / "setup.py"))["NEXT"]
"""The version of a tree without tags."""
NOT_OURS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist", "*.part")


def test_every_package_is_listed() -> None:
    listed = PROJECT["tool"]["setuptools"]["packages"]
    inits = (p for folder in FOLDERS for p in (ROOT / folder).rglob("__init__.py"))
    found = {".".join(("crosshook", *p.parent.relative_to(ROOT).parts)) for p in inits}
    assert set(listed) == found - {"crosshook.core.facade"} | {"crosshook"}
    assert len(listed) == len(set(listed))


def test_every_folder_of_modules_is_a_package() -> None:
    modules = (p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))
    assert all((p.parent / "__init__.py").exists() for p in modules)


def test_version_is_that_of_the_installation() -> None:
    import crosshook

    assert crosshook.__version__ == importlib.metadata.version("crosshook")


@pytest.mark.parametrize(
    ("description", "version"),
    [
        ("v1.2.3-0-g0123abc", "1.2.3"),
        ("v1.2.3-5-g0123abc", "1.2.4.dev5+g0123abc"),
        ("v0.9-12-gabc", "0.10.dev12+gabc"),
        ("nightly-3-gabc", None),
        ("", None),
    ],
)
def test_version_follows_the_tags(description: str, version: str | None) -> None:
    assert runpy.run_path(str(ROOT / "setup.py"))["tagged"](description) == version


def test_citation_is_of_this_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "title", "message", "authors", "version"} <= set(citation)
    assert (citation["title"], citation["license"]) == ("crosshook", PROJECT["project"]["license"])


def test_news_fragments_are_named_as_the_changelog_wants_them() -> None:
    kinds = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    for fragment in (ROOT / "changes").glob("*.md"):
        if fragment.name != "README.md":
            assert fragment.suffixes[0].lstrip(".") in kinds, fragment.name
            assert fragment.read_text("utf-8").count("\n") == 1, fragment.name


def _run(*words: str | Path, cwd: Path) -> str:
    """Runs a command away from the tree, with a clean environment."""
    hidden = ("PYTHON", "COV_", "COVERAGE")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _build(tree: Path, kind: str, into: Path) -> Path:
    """Builds `wheel` or `sdist` with the installed setuptools, without a network."""
    into.mkdir(exist_ok=True)
    code = (
        "import sys; from setuptools import build_meta\n"
        f"print('built:' + build_meta.build_{kind}(sys.argv[1]))"
    )
    output = _run(sys.executable, "-c", code, into, cwd=tree)
    return into / output.rpartition("built:")[2].strip()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the distribution is built from."""
    pytest.importorskip("setuptools", minversion="77")
    copy = tmp_path_factory.mktemp("tree") / "crosshook"
    copy.mkdir()
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=NOT_OURS)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path) -> Path:
    return _build(tree, "wheel", tree.parent / "wheel")


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.packaging
def test_wheel_holds_every_file_of_the_packages(tree: Path, wheel: Path) -> None:
    packed = {n for n in _names(wheel) if ".dist-info/" not in n}
    wanted = set()
    for folder in FOLDERS:
        for path in (tree / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(tree).as_posix()
                wanted.add(f"crosshook/{name}".replace("crosshook/core/facade/", "crosshook/"))
    assert wanted - packed == set(), "in the tree, not in the wheel"
    assert packed - wanted == set(), "in the wheel, not in the tree"


@pytest.mark.packaging
def test_wheel_puts_one_name_into_site_packages(wheel: Path) -> None:
    top = {name.split("/")[0] for name in _names(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"crosshook"}


@pytest.mark.packaging
def test_wheel_from_sdist_is_the_wheel_from_the_tree(tree: Path, wheel: Path) -> None:
    sdist = _build(tree, "sdist", tree.parent / "sdist")
    unpacked = tree.parent / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (inner,) = unpacked.iterdir()
    again = _build(inner, "wheel", tree.parent / "wheel-of-sdist")
    assert _names(again) == _names(wheel)
    assert again.name == wheel.name
    check = importlib.util.find_spec("twine")
    if check is None:
        pytest.skip("twine is not installed: the distributions were built, not checked")
    _run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel, cwd=tree)


class Environment:
    """A virtual environment that sees the dependencies of this one, but not its crosshook."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.folder = folder
        self.python = folder / scripts / "python"
        self.script = folder / scripts / "crosshook"
        site = _run(self.python, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder)
        self.site = Path(site.strip())
        # A line in a .pth file adds the folder without running the .pth files inside it, so the
        # editable install there stays out of sight.
        line = sysconfig.get_paths()["purelib"] + "\n"
        (self.site / "dependencies.pth").write_text(line)

    def pip(self, *words: str | Path) -> None:
        """Runs pip of this process on that environment."""
        quiet = ("--quiet", "--disable-pip-version-check")
        _run(sys.executable, "-m", "pip", "--python", self.python, *words, *quiet, cwd=self.folder)

    def crosshook(self, *words: str) -> str:
        """Runs the installed command."""
        return _run(self.script, *words, cwd=self.folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.pip("install", "--no-deps", "--no-index", wheel)
    return environment


@pytest.mark.packaging
def test_installed_command_lists_the_built_ins(installed: Environment) -> None:
    document = json.loads(installed.crosshook("plugins", "list", "--json"))
    names = {(c["interface"], c["name"]) for c in document["components"]}
    assert {("channel_mapping", "vegas"), ("unweighter", "rejection")} <= names
    assert {p["status"] for p in document["plugins"] if p["distribution"] == "crosshook"} == {"ok"}
    module = _run(installed.python, "-m", "crosshook", "--version", cwd=installed.folder)
    assert module.strip() == f"crosshook {NEXT}"


@pytest.mark.packaging
def test_every_installed_module_imports(installed: Environment) -> None:
    code = (
        "import crosshook, importlib, pkgutil\n"
        "names = [m.name for m in pkgutil.walk_packages(crosshook.__path__, 'crosshook.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name)\n"
        "print(len(names), crosshook.__file__)"
    )
    count, _, place = _run(installed.python, "-c", code, cwd=installed.folder).partition(" ")
    assert int(count) > 50
    assert Path(place.strip()).is_relative_to(installed.site)
    for name in ("core", "plugins", "adapters", "schemas"):
        assert not (installed.site / name).exists()
    schema = json.loads(installed.crosshook("schema", "show", "v1/run"))
    assert schema["type"] == "object"


@pytest.mark.packaging
def test_example_plugin_comes_conforms_and_goes(installed: Environment, tree: Path) -> None:
    source = tree.parent / "example_plugin"
    shutil.copytree(ROOT / "tests" / "example_plugin", source, ignore=NOT_OURS)
    before = installed.crosshook("plugins", "list")
    installed.pip(
        "install", "--no-deps", "--no-index", _build(source, "wheel", tree.parent / "example")
    )
    assert "tilt" in installed.crosshook("plugins", "list", "--interface", "channel_mapping")
    assert "strength: number > -1; default 0.5" in installed.crosshook("plugins", "show", "tilt")
    for name in ("tilt", "last-first"):
        assert "0 fail" in installed.crosshook("plugins", "check", name)
    installed.pip("uninstall", "--yes", "crosshook-tilt")
    assert installed.crosshook("plugins", "list") == before


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


@pytest.mark.packaging
def test_examples_of_packages_come_run_and_go(installed: Environment, tree: Path) -> None:
    """Built and installed each on its own, one run goes through two of them, nothing is left."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    sources = tree.parent / "plugins"
    shutil.copytree(ROOT / "examples" / "plugins", sources, ignore=NOT_OURS)
    names = sorted(path.name for path in sources.iterdir())
    assert names == ["crosshook-clib", "crosshook-csv", "crosshook-madnis"]
    before, files = installed.crosshook("plugins", "list"), _files(installed.site)
    wheels = [_build(sources / name, "wheel", tree.parent / "plugins-built") for name in names]
    installed.pip("install", "--no-deps", "--no-index", *wheels)

    document = json.loads(installed.crosshook("plugins", "list", "--json"))
    listed = {(c["interface"], c["name"], c["distribution"]) for c in document["components"]}
    assert {
        ("process", "clib", "crosshook-clib"),
        ("event_format", "csv", "crosshook-csv"),
        ("channel_mapping", "madnis", "crosshook-madnis"),
    } <= listed
    assert {plugin["status"] for plugin in document["plugins"]} == {"ok"}

    folder = sources / "crosshook-clib"
    command = (
        "cc",
        "-O2",
        "-shared",
        "-fPIC",
        "-o",
        "libdiphoton.so",
        "library/diphoton.c",
        "-lm",
    )
    _run(*command, cwd=folder)
    settings = (
        *("--set", "sampling.evaluations=5000", "--set", "integrate.evaluations=10_000"),
        *("--set", "generate.events=200", "--set", "generate.pilot=5000"),
        *("--set", "output.formats=[csv]", "--set", "output.report=none"),
    )
    _run(installed.script, "run", "diphoton.yaml", "--quiet", *settings, cwd=folder)
    events = folder / "runs" / "diphoton" / "events.csv"
    assert events.read_text("utf-8").count("\n") == 2 + 4 * 200 + 1
    _run(installed.script, "convert", events, "events.lhe", cwd=folder)
    assert (folder / "events.lhe").read_text("utf-8").count("<event") == 200

    installed.pip("uninstall", "--yes", *names)
    assert installed.crosshook("plugins", "list") == before
    assert _files(installed.site) == files


@pytest.mark.packaging
@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("name", ["crosshook-clib", "crosshook-csv", "crosshook-madnis"])
def test_examples_of_packages_pass_their_own_tests(name: str, tmp_path: Path) -> None:
    """As their authors would run them, beside an installed package."""
    if name.endswith("madnis"):
        pytest.importorskip("madnis", reason="madnis is not installed; `make integration` does")
    source = tmp_path / name
    shutil.copytree(ROOT / "examples" / "plugins" / name, source, ignore=NOT_OURS)
    site = tmp_path / "site"
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    _run(sys.executable, "-m", "pip", "install", *quiet, "--target", site, source, cwd=tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import pytest; "
        f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(source)!r}]))"
    )
    assert " passed" in _run(sys.executable, "-c", code, cwd=source)
