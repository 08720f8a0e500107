"""Runs with a program that acts like Sherpa: σ, densities, weights, and everything that goes wrong."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import jsonschema
import numpy as np
import pytest
import torch

import crosshook
from crosshook import schemas
from crosshook.core.cli import main
from crosshook.core.context import BuildContext
from crosshook.core.errors import (
    ConfigurationError,
    CrosshookError,
    InputError,
    OutputError,
    ProgramError,
)
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.inspect import inspect_file
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry
from crosshook.core.results import as_json
from crosshook.core.surrogates.event_source import read_points

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process
    from tests.adapters.sherpa.conftest import Place

EXAMPLES = Path(__file__).parents[3] / "examples"
SIGMA = 100.0
WAIT = 60.0


def events_of(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


def cosines(events: EventBatch) -> np.ndarray:
    """cosθ of the muon, the third particle."""
    return np.asarray(events.particle_columns["pz"])[events.offsets[:-1] + 2] / 50.0


def weighted(folder: Path, asked: int, seed: int) -> EventBatch:
    """What the program writes for a batch, asked once more and read without the run's machinery."""
    words = ["--events", str(asked), "--random-seed", str(seed), "EVENT_OUTPUT: LHEF[again]"]
    subprocess.run([str(folder / "Sherpa"), *words], cwd=folder, check=True, capture_output=True)
    return events_of(folder / "again.lhe")


def test_unit_weights_with_the_programs_cross_section(place: Place) -> None:
    """Σw/Σtrials of all that was written, equal weights of that mean, the density 1 + cos²θ."""
    result = crosshook.run(place.run_file)
    program, generation = result.generator, result.generation
    assert program is not None
    assert generation is not None
    assert (program.program, program.cross_section, program.error) == ("Sherpa 3.0.3", 100.0, 0.5)
    assert result.process == "11 -11 -> 13 -13"
    assert len({b.seed for b in program.batches}) == len(program.batches) >= 2
    assert program.batches[0].asked == 1000

    whole = [weighted(place.folder, b.asked, b.seed) for b in program.batches]
    weight = np.concatenate([w.event["weight"] for w in whole])
    points = sum(float(w.event["trials"].sum()) for w in whole)
    assert result.integration.cross_section == pytest.approx(weight.sum() / points, rel=1e-12)
    spread = math.sqrt(((weight**2).sum() / points - (weight.sum() / points) ** 2) / (points - 1))
    # batch errors add up to that of all points, but for the scatter of the batches' means
    assert result.integration.error == pytest.approx(spread, rel=0.02)
    assert abs(result.integration.cross_section - SIGMA) < 5 * spread

    events = events_of(place.folder / "out" / "events.lhe")
    own = np.asarray(events.event["weight"])
    assert len(events) == 1500
    assert "trials" not in events.event
    assert own.mean() == pytest.approx(result.integration.cross_section, rel=1e-9)
    assert np.count_nonzero(own > own.min() * (1 + 1e-9)) == generation.overweights
    # the rule allows 0.001 in the first batch; its tail of 40 events scatters by a sixth
    assert generation.overweight_share < 0.003
    # ⟨cos²θ⟩ is 2/5 and its variance ⟨cos⁴θ⟩ - 4/25 = 9/35 - 4/25
    square = float((own * cosines(events) ** 2).sum() / own.sum())
    assert abs(square - 0.4) < 5 * math.sqrt((9 / 35 - 4 / 25) / len(events))
    inspected = inspect_file(place.folder / "out" / "events.lhe")
    assert inspected.cross_section_pb == pytest.approx(result.integration.cross_section, rel=1e-6)
    assert inspected.cross_section_error_pb == pytest.approx(result.integration.error, rel=1e-6)
    assert "Sherpa 3.0.3" in inspected.generators[0]

    kept = set(cosines(events).tolist())
    assert kept <= {c for w in whole for c in cosines(w).tolist()}
    for histogram, again in zip(result.integration.histograms, generation.histograms, strict=True):
        total = sum(histogram.values) + histogram.underflow + histogram.overflow
        assert total == pytest.approx(result.integration.cross_section, rel=1e-9)
        assert sum(again.values) + again.underflow + again.overflow == pytest.approx(
            total, rel=1e-9
        )
    left = sorted(p.name for p in (place.folder / "out").rglob("*") if p.is_file())
    logs = [f"batch-{b.number:03}.log" for b in program.batches]
    expected = ["Sherpa.yaml", "events.lhe", "integrations", "lock", "log.txt", "manifest.jsonl"]
    expected += ["prepare.log", "report.json", "resolved.json", "run.yaml", *logs]
    assert left == sorted(expected)
    report = json.loads((place.folder / "out" / "report.json").read_text())
    jsonschema.Draft202012Validator(schemas.load("v1/report")).validate(report)


def test_report_and_summary(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """The page has the program's section and nothing on a training; the summary both σ."""
    settings = (
        "output.report=html",
        "generate.events=800",
        "integrate={histograms: {pt: {observable: 'pt[muon[0]]', bins: 10, range: [0, 50]}}}",
    )
    words = [word for setting in settings for word in ("--set", setting)]
    main(["run", str(place.run_file), *words, "--quiet"])
    shown = capsys.readouterr().out
    assert "Sherpa 3.0.3's own integration" in shown
    assert "weighted events" in shown
    page = (place.folder / "out" / "report.html").read_text()
    assert 'id="program"' in page
    assert 'id="training"' not in page
    assert "11 -11 -&gt; 13 -13" in page


def test_weights_of_the_card_and_histograms(place: Place) -> None:
    """Another unweighter's rule, other formats, histograms as asked for."""
    settings = [
        "generate.unweighter={use: rejection, options: {rule: maximum}}",
        "output.formats=[root]",
        "integrate={histograms: {c: {observable: 'y[muon[0]]', bins: 10, range: [-3, 3]}}}",
    ]
    result = crosshook.run(place.run_file, settings=settings)
    assert result.generation is not None
    assert result.generation.histograms[0].name == "c"
    assert len(events_of(place.folder / "out" / "events.root")) == 1500


def test_weighted_events_are_kept_for_other_components(place: Place) -> None:
    """What the program wrote stays to the last digit, and a surrogate's training reads it."""
    result = crosshook.run(place.run_file, settings=["generate.keep_weighted=true"])
    assert result.generator is not None
    function = f"{EXAMPLES / 'photon_mumu.py'}:squared"
    options = {"subprocesses": [{"function": function, "pdg": [11, -11, 13, -13]}]}
    slot = {"use": "python-amplitude", "options": options}
    process = default_registry().build("process", slot, BuildContext())
    for batch in result.generator.batches:
        path = place.folder / "out" / "generator" / f"batch-{batch.number:03}.lhe"
        kept, again = events_of(path), weighted(place.folder, batch.asked, batch.seed)
        np.testing.assert_array_equal(kept.event["weight"], again.event["weight"])
        table = read_points([path], cast("Process", process), 0.118, Silent())
        assert len(table) == batch.events
        assert torch.isfinite(table.amplitude).all()


def test_weighted_events_are_kept_of_programs_only(place: Place) -> None:
    place.run_file.write_text("process: ee-mumu\ngenerate: {keep_weighted: true}\n")
    with pytest.raises(ConfigurationError, match=r"generate\.keep_weighted has a meaning with"):
        crosshook.run(place.run_file)


def test_a_stopped_run_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events as if nothing had happened; what was done is not done again."""
    whole = crosshook.run(place.run_file, output=place.folder / "whole")
    monkeypatch.setenv("FAKE_STOP", "300")
    with pytest.raises(ProgramError, match=r"exit code 1; see .*batch-001\.log:(.|\n)*on fire"):
        crosshook.run(place.run_file)
    with pytest.raises(OutputError, match="holds an unfinished run already"):
        crosshook.run(place.run_file)
    monkeypatch.delenv("FAKE_STOP")
    again = crosshook.resume(place.folder / "out")
    assert (place.folder / "out" / "generator" / "integrations").read_text() == "one\n"
    one, two = (events_of(place.folder / name / "events.lhe") for name in ("whole", "out"))
    for name in ("weight", "scale"):
        np.testing.assert_array_equal(one.event[name], two.event[name])
    np.testing.assert_array_equal(cosines(one), cosines(two))
    assert as_json(again.integration.histograms) == as_json(whole.integration.histograms)
    assert again.integration.error == whole.integration.error
    with pytest.raises(InputError, match="the run is finished"):
        crosshook.resume(place.folder / "out")


@pytest.mark.parametrize(
    ("fake", "kind", "words"),
    [
        ("no library", ConfigurationError, r"library libLHAPDF\.so is not found.*LD_LIBRARY_PATH"),
        ("no density", ProgramError, r"parton densities MMHT are not found.*LHAPDF_DATA_PATH"),
        ("no file", InputError, r"Sherpa ended without writing .*batch-000\.lhe"),
        ("nan", InputError, r"batch-000\.lhe: event 6 .*nan is not a finite number"),
    ],
)
def test_failures_are_explained(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    fake: str,
    kind: type[CrosshookError],
    words: str,
) -> None:
    monkeypatch.setenv("FAKE", fake)
    with pytest.raises(kind, match=words):
        crosshook.run(place.run_file)
    assert not list(place.folder.glob("out/events.*"))
    assert (place.folder / "out").exists() == (fake != "no library")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("generator.options.binary=Sherba", r"no program 'Sherba' on the PATH; install Sherpa"),
        ("generator.options.binary=bin/Sherpa", r"bin/Sherpa: there is no such program"),
        ("generator.options.binary=./run.yaml", r"run\.yaml: may not be executed"),
        ("generator.options.card=No.yaml", r"No\.yaml: No such file"),
        ("generator.options.card=Sherpa", r"Sherpa: (no YAML|a card of Sherpa 3)"),
        ("generator.options.files=[x.dat]", r"x\.dat: there is no such file"),
        ("generator.options.mode=Fast", r"'Fast' is not one of PartiallyUnweighted, "),
        ("generator={sherpa: Sherpa.yaml, cord: x}", r"cord: not allowed; did you mean card"),
        ("generator={sherpo: Sherpa.yaml}", r"no generator named 'sherpo'; did you mean sherpa"),
        ("generator=null", r"generator: .*null is not allowed"),
        ("process=pp-ttbar", r"process and generator: a run has one of them"),
        ("cuts={pt_min: 20}", r"cuts has no meaning with generator.*allowed are generator, "),
        ("generate.bias=pt[0]", r"generate\.bias has no meaning with generator"),
        ("integrate={histograms: {a: {observable: 'pt[x]', bins: 2, range: [0, 1]}}}", r"'x'|x"),
    ],
)
def test_mistakes_show_before_the_program_runs(place: Place, setting: str, words: str) -> None:
    settings = ["generator={use: sherpa, options: {card: Sherpa.yaml, binary: ./Sherpa}}", setting]
    with pytest.raises(CrosshookError, match=words):
        crosshook.run(place.run_file, settings=settings)
    assert not list(place.folder.glob("out/events.*"))


def test_more_events_than_evaluations_allow(place: Place) -> None:
    with pytest.raises(
        CrosshookError, match=r"of 1500 events after \d+ points; .*max_evaluations"
    ):
        crosshook.run(place.run_file, settings=["generate.max_evaluations=1000"])


def test_it_has_no_sampler_for_more_events(place: Place) -> None:
    crosshook.run(place.run_file, settings=["generate.events=300"])
    with pytest.raises(InputError, match="no trained sampler is there"):
        crosshook.generate(place.folder / "out", events=10, seed=1)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent as POSIX does")
def test_interrupt_ends_the_program(place: Place) -> None:
    """The program dies with the run, nothing half-written stays, and the run can go on."""
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from crosshook.core.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", str(place.run_file), "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"FAKE": "hang", "FAKE_STOP": "200"},
    )
    growing = place.folder / "out" / "generator" / "batch-001.lhe"
    with process:
        try:
            deadline = time.monotonic() + WAIT
            while not (growing.exists() and growing.read_text().count("</event>") >= 200):
                assert process.poll() is None
                assert time.monotonic() < deadline, "the second batch never began"
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "crosshook run --resume" in " ".join(errors.split())
    assert not list(place.folder.glob("out/events.*"))
    assert not list(place.folder.glob("out/parts/.*"))
    # the lock that the program inherits is free: it is gone
    result = crosshook.resume(place.folder / "out")
    assert result.generation is not None
    assert result.generation.events == 1500
