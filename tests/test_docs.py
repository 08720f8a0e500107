"""The documentation holds: its code runs, its commands run, its links lead somewhere.

Every ```python block of README.md and docs/ is executed, one namespace a page; every line of a
```sh or ```console block that starts with `crosshook` is run, in the order of the page, with small
samples; a block with a title is a file. Blocks that are not to be run are fenced as ```text.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import crosshook
from crosshook import schemas
from crosshook.core.cli import main
from crosshook.core.errors import CrosshookError
from crosshook.core.interfaces import INTERFACES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
FENCE = re.compile(
    r"^```(\w+)(?:[ ]+title=\"([^\"]+)\")?[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
EXTERNAL = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")

SMALL = {
    "sampling.evaluations": "20000",
    "sampling.training.batch": "256",
    "integrate.evaluations": "30000",
    "generate.events": "500",
    "generate.pilot": "30000",
    "block_size": "4096",
    "output.report": "none",
}
"""Settings of `crosshook run` here, unless the line itself sets the key or one above it."""

SMALL_SURROGATE = ("points.draw=2000", "sampling.evaluations=2000", "output.report=none")
"""Likewise of `crosshook surrogate train`."""

SMALL_UNFOLD = ("replicas={bootstrap_data: 3}", "output.report=none")
"""Likewise of `crosshook unfold`."""

SMALL_INFER = (
    "data.simulate.events=50",
    "parameters.alpha.points=12",
    "integral.points=64",
    "integral.training.events=2000",
    "intervals.toys=null",
    "output.report=none",
)
"""Likewise of `crosshook infer`."""

SMALL_TRANSFER = ("transfer.options={epochs: 1, hidden: 8, bins: 3}", "output.report=none")
"""Likewise of `crosshook transfer train`."""

DEMO = ["crosshook", "run", "examples/ttbar.yaml", "--overwrite"]
"""What `make demo` runs once crosshook is installed."""

WEIGHTED = ROOT / "tests" / "data" / "lhe" / "sherpa_wjj.lhe.gz"
"""Another generator's weighted events; pages call such a file weighted.lhe.gz."""

MADGRAPH = ROOT / "tests" / "data" / "lhe" / "madgraph_pp_tt012j.lhe.gz"
"""What a reader's MadGraph has written; pages call it unweighted_events.lhe.gz, as MadGraph does."""

DRAWN = ("README.md",)
"""Pages whose runs draw their report, which takes longer than the run."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    text = page.read_text("utf-8")
    return [
        Block(m[1], m[2] or "", m[3], text.count("\n", 0, m.start()) + 2)
        for m in FENCE.finditer(text)
    ]


def runnable(page: Path) -> bool:
    """Whether a page has anything to run."""
    return any(b.language in ("python", "sh", "console") for b in blocks(page))


def commands(block: Block) -> Iterator[list[str]]:
    """Words of each command of a shell block that the tests run."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words == ["make", "demo"]:
            yield DEMO
        elif (
            words[:1] in (["crosshook"], ["cc"])
            or words[:2] == ["pip", "install"]
            or (words[:1] == ["python"] and words[1].startswith("examples/"))
        ):
            yield words


class Reader:
    """Follows a page in a folder of its own."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.site = folder / "installed"
        self.namespace: dict[str, object] = {"__name__": "__page__"}
        shutil.copytree(ROOT / "examples", folder / "examples")
        shutil.copy(WEIGHTED, folder / "weighted.lhe.gz")
        shutil.copy(MADGRAPH, folder / "unweighted_events.lhe.gz")

    def follow(self) -> None:
        """Writes files, runs commands and code, in order."""
        for block in blocks(self.page):
            if block.title:
                path = self.folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, "utf-8")
            elif block.language == "python":
                # Line numbers of the page, so that a failure points there.
                code = "\n" * (block.line - 1) + block.text
                exec(compile(code, str(self.page), "exec"), self.namespace)  # noqa: S102
            elif block.language in ("sh", "console"):
                for words in commands(block):
                    self.run(words, block)

    def run(self, words: list[str], block: Block) -> None:
        """Runs a command of the page; a failure shows what it printed."""
        place = f"{self.page.relative_to(ROOT)}, line {block.line}: {shlex.join(words)}"
        if words[0] == "pip":
            self.install(words[-1])
        elif words[0] == "python":
            _process([sys.executable, *words[1:]], self.folder, place)
        elif words[0] == "cc":
            if shutil.which("cc") is None:
                pytest.skip(f"{place}: no C compiler")
            _process(words, self.folder, place)
        elif self.site.exists():
            command = [sys.executable, "-m", *words, *self.small(words)]
            paths = os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")])
            _process(command, self.folder, place, PYTHONPATH=paths.strip(os.pathsep))
        else:
            printed = io.StringIO()
            try:
                with redirect_stdout(printed), redirect_stderr(printed):
                    main([*words[1:], *self.small(words)])
            except SystemExit as end:
                pytest.fail(f"{place}\nexit code {end.code}\n{printed.getvalue()}")

    def install(self, package: str) -> None:
        """Installs a package the page has written; commands then run in processes of their own."""
        if package.startswith("./"):
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(self.site)]
            command = [sys.executable, "-m", "pip", "install", *options, package]
            _process(command, self.folder, package, PIP_DISABLE_PIP_VERSION_CHECK="1")

    def small(self, words: list[str]) -> list[str]:
        """Further settings of a run that keep its samples small."""
        if words[1:3] == ["surrogate", "train"]:
            return [word for setting in SMALL_SURROGATE for word in ("--set", setting)]
        if words[1:3] == ["transfer", "train"]:
            return [word for setting in SMALL_TRANSFER for word in ("--set", setting)]
        if words[1] == "infer":
            return [word for setting in SMALL_INFER for word in ("--set", setting)]
        if words[1] == "unfold" and words[2] not in ("plot", "export"):
            return [word for setting in SMALL_UNFOLD for word in ("--set", setting)]
        if words[1] != "run" or "--help" in words:
            return []
        given = [w.partition("=")[0] for flag, w in pairwise(words) if flag == "--set"]
        run_file = yaml.safe_load((self.folder / words[2]).read_text("utf-8"))
        if "generate" in run_file and run_file["generate"] is None:
            given.append("generate")
        if self.page.name in DRAWN:
            given.append("output.report")
        if "generator" in run_file:  # a program samples in its own way
            given += ["sampling", "integrate", "block_size"]
        return [
            word
            for key, value in SMALL.items()
            if not any(key == g or key.startswith(f"{g}.") for g in given)
            for word in ("--set", f"{key}={value}")
        ]


def _process(command: list[str], folder: Path, place: str, **environment: str) -> None:
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"


# Pythia's binding warns on its own account when it is imported.
@pytest.mark.filterwarnings("ignore:builtin type .*has no __module__ attribute:DeprecationWarning")
@pytest.mark.parametrize(
    "page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES if runnable(p)]
)
def test_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Reader(page, tmp_path).follow()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation; links, anchors and navigation are checked by the strict build."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    _process(command, ROOT, "the site")
    return target


def test_site_has_every_page_and_nothing_unfinished(site: Path) -> None:
    for page in PAGES[1:]:
        name = page.relative_to(DOCS).with_suffix("")
        home = site / (name.parent if name.name == "index" else name) / "index.html"
        assert "<!-- generated:" not in home.read_text("utf-8"), page


def test_formulas_are_text() -> None:
    """Nothing on the site renders TeX."""
    assert not [p for p in PAGES if "$$" in p.read_text("utf-8")]


def test_site_asks_nobody_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        found = EXTERNAL.search(
            re.sub(r"<link rel=\"?canonical[^>]*>", "", page.read_text("utf-8"))
        )
        assert found is None, f"{page.relative_to(site)}: {found and found[0]}"


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_of_the_repository_lead_somewhere(name: str) -> None:
    targets = LINK.findall((ROOT / name).read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (ROOT / t).exists()]
    assert not missing


def test_the_demo_is_what_the_makefile_runs() -> None:
    assert f"$(BIN)/{' '.join(DEMO)}\n" in (ROOT / "Makefile").read_text("utf-8")


def test_every_key_of_the_run_file_is_described() -> None:
    text = (DOCS / "run-file.md").read_text("utf-8")
    named = {
        w for line in re.findall(r"<!-- generated: run-file (.*?) -->", text) for w in line.split()
    }
    properties = schemas.load("v1/run")["properties"]
    assert isinstance(properties, dict)
    assert named == set(properties)


@pytest.mark.parametrize("name", INTERFACES)
def test_every_hook_has_its_page(name: str) -> None:
    text = (DOCS / "hooks" / f"{name.replace('_', '-')}.md").read_text("utf-8")
    assert f"<!-- generated: interface {name} -->" in text
    assert "```python\n" in text


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = (site / "api" / "index.html").read_text("utf-8")
    assert [n for n in crosshook.__all__ if not re.search(rf"\b{n}\b", text)] == []


def test_every_error_is_listed_with_its_exit_code(site: Path) -> None:
    def below(kind: type[CrosshookError]) -> Iterator[type[CrosshookError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    text = (site / "conventions" / "index.html").read_text("utf-8")
    for kind in below(CrosshookError):
        if kind.__module__ == CrosshookError.__module__:
            row = rf"<code>{kind.__name__}</code></td>\s*<td>{kind.exit_code}</td>"
            assert re.search(row, text), kind
