"""Every example through the command line, and what the command does when things go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path(__file__).parents[1] / "examples"
ELSEWHERE = ("\ngenerator:", "\ntransfer:")
"""Of examples that need another program, tried in tests/integration, or are for `crosshook infer`."""
EXAMPLES = sorted(
    p for p in HOME.glob("*.yaml") if not any(key in p.read_text() for key in ELSEWHERE)
)
SMALL = (
    "sampling.evaluations=10000",
    "sampling.training.batch=128",
    "integrate.evaluations=20000",
    "generate.pilot=10000",
    "generate.events=500",
    "block_size=2048",
)
TRAINING = {
    "gg-4g-surrogate": (
        "generate.surrogate.train.evaluations=2000",
        "generate.surrogate.options.epochs=10",
    )
}
"""Smaller trainings of examples that have one besides the sampler's."""
WAIT = 60.0
"""Seconds a subprocess may take to get where it is to be interrupted."""


def arguments(example: Path, output: Path, *settings: str) -> list[str]:
    """`crosshook run` with reduced statistics."""
    small = (*SMALL, *TRAINING.get(example.stem, ()))
    flags = [word for setting in (*small, *settings) for word in ("--set", setting)]
    return ["run", str(example), "--output", str(output), "--quiet", *flags]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(list(words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def example(name: str) -> Path:
    """An example by its name."""
    (found,) = (path for path in EXAMPLES if path.stem == name)
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(
    path: Path,
    command: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Runs, prints σ, and leaves exactly the files it names."""
    if path.stem.endswith("-nnpdf"):
        folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
        if not folder:
            pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: no NNPDF grid to run with")
        monkeypatch.setenv("LHAPDF_DATA_PATH", str(Path(folder) / "pdf"))
    output = tmp_path / "run"
    page = path.stem == "ttbar"  # drawing takes longer than the small run
    words = arguments(path, output, f"output.report={'html' if page else 'none'}")
    code, shown, errors = command(*words)
    assert (code, errors) == (0, "")
    assert ("Γ = " if path.stem == "top-decay" else "pb") in shown
    report = json.loads((output / "report.json").read_text())
    assert report["generation"]["events"] == 500
    assert report["generation"]["cross_section"] > 0
    names = {file["name"] for file in report["generation"]["files"]}
    assert names == {"events.lhe.gz", "events.root"}
    assert all((output / name).stat().st_size for name in names)
    assert (output / "report.html").exists() == page
    assert not page or (output / "report.html").read_text().lstrip().startswith("<!")
    assert not list(output.rglob("*.part*"))
    assert not (output / "parts").exists()


def test_json(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """`--json` prints the results and nothing else."""
    words = arguments(example("ee-mumu"), tmp_path / "run", "output.report=none")
    code, shown, errors = command(*words, "--json")
    assert (code, errors) == (0, "")
    assert json.loads(shown)["process"] == "e+ e- > mu+ mu-"


def test_running_twice(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """The second run refuses, and replaces when told to."""
    output = tmp_path / "run"
    words = arguments(example("ee-mumu"), output, "output.report=none")
    assert command(*words)[0] == 0
    before = (output / "events.lhe.gz").read_bytes()
    code, _, errors = command(*words)
    assert code == 4
    assert errors.count("\n") == 1
    assert "--overwrite" in errors
    assert (output / "events.lhe.gz").read_bytes() == before
    assert command(*words, "--overwrite", "--seed", "5")[0] == 0
    assert (output / "events.lhe.gz").read_bytes() != before


def test_generate_after_run(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """More events, merged with the first by `convert`."""
    output, merged = tmp_path / "run", tmp_path / "merged.lhe.gz"
    words = arguments(example("ee-mumu"), output, "output.report=none")
    assert command(*words)[0] == 0
    code, shown, _ = command("generate", str(output), "--events", "300", "--seed", "9", "--quiet")
    assert code == 0
    assert "300 events" in shown
    more = output / "seed-9" / "events.lhe.gz"
    assert command("convert", str(output / "events.lhe.gz"), str(more), str(merged))[0] == 0
    code, shown, _ = command("inspect", str(merged), "--json")
    assert json.loads(shown)["events"] == 800


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (("process=pp-tbar",), 2, ("pp-tbar", "pp-ttbar")),
        (("generate.unweighter.options.quantil=1",), 2, ("quantil",)),
        (("sampling.evalutions=10",), 2, ("evalutions", "did you mean evaluations")),
        (("beams.pdf=NoSuchSet",), 2, ("NoSuchSet", "ToyLH_LO", "LHAPDF_DATA_PATH")),
        (("beams.energy=100",), 2, ("100",)),
        (("scales.factorisation=mlll",), 2, ("mlll", "mll")),
        (("cuts={where: 'pt[7] > 3'}",), 2, ("leg 7",)),
        (("output.formats=[hepmc]",), 2, ("hepmc", "lhe.gz")),
        (("device=cuda:99",), 2, ("cuda:99",)),
        (("generate.events=many",), 2, ("many", "generate.events")),
        (("cuts={pt_min: 100000}",), None, ()),
        (("max_invalid_fraction=2",), 2, ("max_invalid_fraction",)),
        (("variations={pdf: some}",), 2, ("some", "all")),
        (("noequals",), 2, ("key=value",)),
    ],
    ids=lambda value: value[0][:30] if isinstance(value, tuple) and value else "",
)
def test_mistakes(
    command: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    settings: tuple[str, ...],
    code: int | None,
    words: tuple[str, ...],
) -> None:
    """One line that names the mistake, no traceback, an exit code, and no directory."""
    output = tmp_path / "run"
    found, _, errors = command(*arguments(example("ttbar"), output, *settings))
    assert found == code if code else found > 0
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors
    for word in words:
        assert word in errors
    assert not (output / "events.lhe.gz").exists()
    if code:
        assert not output.exists()


@pytest.mark.parametrize(
    "text",
    ["process: pp-ttbar\nbeams: {energy: 13000, pdf", "- pp-ttbar", "", "process: [", "\x00\xff"],
    ids=["truncated", "list", "empty", "unclosed", "binary"],
)
def test_broken_run_files(
    command: Callable[..., tuple[int, str, str]], tmp_path: Path, text: str
) -> None:
    """Whatever the file holds, one line with its name."""
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    code, _, errors = command("run", str(path), "--output", str(tmp_path / "run"), "--quiet")
    assert code == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "broken.yaml" in errors


def test_missing_run_file(command: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """Says which file."""
    code, _, errors = command("run", str(tmp_path / "none.yaml"))
    assert code == 3
    assert "none.yaml" in errors


@pytest.mark.parametrize("kind", ["file", "below a file", "foreign folder"])
def test_unwritable_output(
    command: Callable[..., tuple[int, str, str]], tmp_path: Path, kind: str
) -> None:
    """What is there stays as it is."""
    taken = tmp_path / "taken"
    if kind == "foreign folder":
        taken.mkdir()
        (taken / "thesis.tex").write_text("precious")
    else:
        taken.write_text("precious")
    output = taken / "run" if kind == "below a file" else taken
    words = arguments(example("ee-mumu"), output)
    code, _, errors = command(*words, "--overwrite")
    assert code == 4
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    kept = taken / "thesis.tex" if taken.is_dir() else taken
    assert kept.read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent as POSIX does")
def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the generation: exit code 130, no half-written file; parts stay to go on."""
    output = tmp_path / "run"
    words = arguments(example("ee-mumu"), output, "generate.events=100000000")
    # A shell that started the tests in the background has made them ignore SIGINT.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from crosshook.core.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            deadline = time.monotonic() + WAIT
            while not list(output.glob("parts/*.npz")):
                assert process.poll() is None
                assert time.monotonic() < deadline, "the generation never began"
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT)
        finally:
            process.kill()
    assert process.returncode == 130
    advice, last = errors.split("\n\n")
    assert "".join(advice.split()).startswith("goonwith:crosshookrun--resume")
    assert last.strip() == "stopped"
    assert not list(output.glob("events.*"))
    assert not list(output.rglob("*.part*"))
    assert list(output.glob("parts/*.npz"))
