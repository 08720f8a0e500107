"""Unfolding from files to a directory: what it holds, that it can be read back, resumed, redrawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import uproot
import yaml
from pyarrow import parquet

from crosshook.core.cli import main
from crosshook.core.errors import Cancelled, ConfigurationError, InputError, OutputError
from crosshook.core.model import TENSORS
from crosshook.core.report.unfolded import sections
from crosshook.core.results import as_json
from crosshook.core.unfolding import replicas
from crosshook.core.unfolding.metadata import rows_checksum
from crosshook.core.unfolding.run import resume_unfold, unfold
from crosshook.core.unfolding.weighted_events import open_unfolding
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[3] / "examples" / "unfold"
FAST = ("output.report=none",)
REPLICAS = ("replicas.bootstrap_data=3", "replicas.bootstrap_mc=2")
SMALLER = {
    "zjet-ibu": (),
    "zjet-omnifold": (
        "unfolder.options={iterations: 1, ensemble: 1, epochs: 2}",
        "diagnostics.shifts=[]",
    ),
}
"""Smaller trainings of the examples."""
SYSTEMATIC = "systematics={tilt_up: 1 + 0.01*truth_m, tilt_down: 1 - 0.01*truth_m}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unfolding with everything."""
    folder = tmp_path_factory.mktemp("unfolded")
    simulation, measured = small_files.write_pair(folder)
    unfold(
        simulation=simulation,
        measured=measured,
        method="ibu",
        settings=(
            *FAST,
            *REPLICAS,
            SYSTEMATIC,
            "output.formats=[parquet, root]",
            "units.m=GeV",
            "histograms={m: {edges: [0, 15, 20, 25, 60]}, ratio: {observable: m/(k + 1)}}",
            "card={title: A test, luminosity: 139 fb^-1}",
        ),
        output=folder / "out",
    )
    return folder / "out"


def test_what_is_there(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "run.yaml",
        "unfold.json",
        "events.parquet",
        "events.root",
        "metadata.yaml",
        "report.json",
    }
    metadata = yaml.safe_load((finished / "metadata.yaml").read_text())
    columns = parquet.read_table(finished / "events.parquet")
    truth = small_files.simulated()["pass_truth"]
    assert metadata["rows"] == columns.num_rows == truth.sum()
    assert metadata["luminosity"] == "139 fb^-1"
    assert metadata["units"] == {"m": "GeV"}
    assert metadata["unfolded"] == ["m", "k"]
    listed = [name for entry in metadata["weights"].values() for name in entry["columns"]]
    assert columns.column_names == ["m", "k", "weights_simulation", *listed]
    kinds = {name: (e["kind"], len(e["columns"])) for name, e in metadata["weights"].items()}
    assert kinds == {
        "nominal": ("nominal", 1),
        "iteration": ("iteration", 4),
        "ensemble": ("ensemble", 1),
        "bootstrap_data": ("bootstrap_data", 3),
        "bootstrap_mc": ("bootstrap_mc", 2),
        "systematic": ("systematic", 2),
    }
    assert {"weights_iteration_1", "weights_systematic_tilt_up"} <= set(listed)
    total = columns["weights_nominal"].to_numpy().sum()
    assert metadata["total"] == pytest.approx(total, rel=1e-12)
    np.testing.assert_array_equal(
        columns["m"].to_numpy(), small_files.simulated()["truth_m"][truth]
    )
    inputs = metadata["inputs"]["simulation"]["files"]
    assert inputs[0]["name"] == "simulation.parquet"
    assert str(finished.parent) not in (finished / "metadata.yaml").read_text()


def test_root_holds_the_same(finished: Path) -> None:
    columns = parquet.read_table(finished / "events.parquet")
    with uproot.open(finished / "events.root") as file:
        arrays = file["events"].arrays(library="np")
    assert set(arrays) == set(columns.column_names)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, columns[name].to_numpy())


def test_read_back(finished: Path) -> None:
    events = open_unfolding(finished)
    assert set(events.families) == set(events.metadata["weights"])  # type: ignore[call-overload]
    assert events.families["systematic"].labels == ("tilt_up", "tilt_down")
    last = events.families["iteration"].weights[:, -1]
    torch.testing.assert_close(last, events.families["nominal"].weights[:, 0], rtol=1e-6, atol=0.0)
    known = events.metadata["rows_sha256"]
    assert rows_checksum(events.table, ["m", "k"]) == known


def test_changed_events_are_noticed(finished: Path, tmp_path: Path) -> None:
    for name in ("metadata.yaml", "events.parquet"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    table = parquet.read_table(tmp_path / "events.parquet")
    parquet.write_table(table.slice(1), tmp_path / "events.parquet")
    with pytest.raises(InputError, match=r"events\.parquet: not the file .* checksum differs"):
        open_unfolding(tmp_path)
    with pytest.raises(InputError, match=r"no finished unfolding: metadata\.yaml is missing"):
        open_unfolding(tmp_path / "nowhere")


def test_the_result_moves_towards_the_data(finished: Path) -> None:
    """Data with a truth at 22 instead of 20: the mean comes out between, nearer to 22."""
    events = open_unfolding(finished)
    m = np.asarray(events.table.column("m"))
    weight = events.families["nominal"].weights[:, 0].numpy()
    mean = (m * weight).sum() / weight.sum()
    assert abs(mean - 22.0) < 5 * 8.0 / np.sqrt(300)
    # 300 events are seen, 5 % of them fakes; 85 % of the truth is seen.
    assert weight.sum() == pytest.approx(300 * 0.95 / 0.85, rel=0.1)


class _Stopping:
    """Stops after so many updates of a stage."""

    def __init__(self, updates: int, stage: str = replicas.STAGE) -> None:
        self.left, self.stage = updates, stage

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        self.left -= stage == self.stage
        if self.left < 0:
            message = "stopped"
            raise Cancelled(message)


def test_going_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fitted is not fitted again, and the outcome is as without a stop."""
    small_files.write_pair(tmp_path)
    run_file = tmp_path / "run.yaml"
    run_file.write_text(
        "simulation: {file: simulation.parquet}\nmeasured: {file: measured.parquet}\n"
        "replicas: {bootstrap_data: 4}\noutput: {report: none}\nunfolder: ibu\n"
    )
    with pytest.raises(Cancelled):
        unfold(run_file, output=tmp_path / "stopped", progress=_Stopping(2))
    assert not (tmp_path / "stopped" / "events.parquet").exists()
    with pytest.raises(OutputError, match="unfold --resume"):
        unfold(run_file, output=tmp_path / "stopped")
    fits: list[str] = []
    original = replicas.fit_part

    def counted(**arguments: object) -> None:
        fits.append(str(arguments["replica"]))
        original(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(replicas, "fit_part", counted)
    report = resume_unfold(tmp_path / "stopped")
    assert report.fit_seconds == 0.0
    assert len(fits) == 5 - 3 + 1  # one of them is the stress test's
    monkeypatch.undo()
    whole = unfold(run_file, output=tmp_path / "whole")
    assert as_json(whole.histograms) == as_json(report.histograms)
    names = ("events.parquet", "unfold.json")
    for name in names:
        assert (tmp_path / "stopped" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()
    with pytest.raises(InputError, match="nothing to resume: it is finished"):
        resume_unfold(tmp_path / "stopped")


@pytest.mark.parametrize(("damaged", "iterations"), [(False, 1), (True, 3)])
def test_a_fit_goes_on_within(tmp_path: Path, damaged: bool, iterations: int) -> None:
    """Iterations of the nominal fit that are done are not done again; the result is the same."""
    small_files.write_pair(tmp_path)
    run_file = tmp_path / "run.yaml"
    run_file.write_text(
        "simulation: {file: simulation.parquet}\nmeasured: {file: measured.parquet}\n"
        "output: {report: none}\ndiagnostics: {shifts: []}\nunfolder: {use: omnifold, options: "
        "{iterations: 3, ensemble: 1, epochs: 1, later_epochs: 1, hidden: 8, batch: 64}}\n"
    )
    with pytest.raises(Cancelled):
        unfold(run_file, output=tmp_path / "stopped", progress=_Stopping(1, "unfold"))
    (begun,) = (tmp_path / "stopped" / "fits").glob("begun-*")
    if damaged:
        (begun / TENSORS).write_bytes(b"half")
    told = _Stopping(9, "unfold")
    resume_unfold(tmp_path / "stopped", progress=told)
    assert told.left == 9 - iterations
    unfold(run_file, output=tmp_path / "whole")
    assert not begun.exists()
    wanted = (tmp_path / "whole" / "events.parquet").read_bytes()
    assert (tmp_path / "stopped" / "events.parquet").read_bytes() == wanted


def test_a_training_goes_on_within(tmp_path: Path) -> None:
    """A density that was being learned is learned on; the result is the same."""
    small_files.write_pair(tmp_path)
    run_file = tmp_path / "run.yaml"
    run_file.write_text(
        "simulation: {file: simulation.parquet}\nmeasured: {file: measured.parquet}\n"
        "output: {report: none}\ndiagnostics: {shifts: []}\nunfolder: {use: "
        "conditional-flow-matching, options: {iterations: 1, epochs: 40, ratio_epochs: 1, hidden: 8, "
        "depth: 1, draws: 2}}\n"
    )
    looks = 20
    with pytest.raises(Cancelled):
        unfold(run_file, output=tmp_path / "stopped", progress=_Stopping(looks - 1, "posterior"))
    (begun,) = (tmp_path / "stopped" / "fits").glob("begun-*")
    told = _Stopping(looks, "posterior")
    resume_unfold(tmp_path / "stopped", progress=told)
    assert 0 < told.left < looks  # some of it was done, and some was not
    unfold(run_file, output=tmp_path / "whole")
    assert not begun.exists()
    wanted = (tmp_path / "whole" / "events.parquet").read_bytes()
    assert (tmp_path / "stopped" / "events.parquet").read_bytes() == wanted


def test_an_observable_in_two_binnings(tmp_path: Path) -> None:
    """The first one is judged, and both are in the report."""
    simulation, measured = small_files.write_pair(tmp_path)
    report = unfold(
        simulation=simulation,
        measured=measured,
        observables=["m"],
        settings=[
            "histograms.m.edges=[0, 10, 20, 30, 40]",
            "histograms.wide={observable: m, edges: [0, 20, 40]}",
            "diagnostics={shifts: []}",
            *FAST,
        ],
        output=tmp_path / "o",
    )
    assert [len(spectra.edges) for spectra in report.diagnostics.spectra] == [5]
    (others,) = (s for s in sections(report) if s.id == "distributions")
    assert [figure.title for figure in others.figures] == ["wide"]


def test_draws_of_truth(tmp_path: Path) -> None:
    """A row a draw, near the reconstructed value; in the metadata; refused where there is none."""
    small_files.write_pair(tmp_path)
    run_file = tmp_path / "run.yaml"
    run_file.write_text(
        "simulation: {file: simulation.parquet}\nmeasured: {file: measured.parquet}\n"
        "output: {report: none}\ndiagnostics: {shifts: []}\nobservables: [m]\n"
        "posterior: {draws: 20}\nunfolder: {use: conditional-flow-matching, options: {hidden: 16, "
        "depth: 1, epochs: 20, iterations: 1, draws: 1, ratio_epochs: 1, batch: 64}}\n"
    )
    report = unfold(run_file, output=tmp_path / "o")
    table = parquet.read_table(tmp_path / "o" / "posterior.parquet").to_pydict()
    drawn = {name: np.array(values).reshape(300, 20) for name, values in table.items()}
    assert (drawn["measured_event"] == np.arange(300)[:, None]).all()
    assert drawn["weights_posterior"].sum(axis=1) == pytest.approx(np.ones(300))
    middle = (drawn["m"] * drawn["weights_posterior"]).sum(axis=1)
    # Smearing is 2, the width of the truth 8: even a rough posterior knows the event.
    assert np.corrcoef(middle, small_files.measured()["reco_m"])[0, 1] > 0.9
    assert "posterior.parquet" in report.files
    assert open_unfolding(tmp_path / "o").metadata["posterior"]["draws"] == 20  # type: ignore[index]
    with pytest.raises(ConfigurationError, match="ibu has no posterior of single events"):
        unfold(run_file, method="ibu", output=tmp_path / "other")


def test_what_is_there_stays(finished: Path, tmp_path: Path) -> None:
    simulation, measured = small_files.write_pair(tmp_path)
    with pytest.raises(OutputError, match="holds an unfolding already; use --overwrite"):
        unfold(simulation=simulation, measured=measured, output=finished)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("precious")
    with pytest.raises(OutputError, match="is not an unfolding"):
        unfold(
            simulation=simulation, measured=measured, output=tmp_path / "thesis", overwrite=True
        )
    broken = tmp_path / "broken.parquet"
    broken.write_text("")
    before = (finished / "events.parquet").read_bytes()
    with pytest.raises(InputError):
        unfold(simulation=broken, measured=measured, output=finished, overwrite=True)
    for setting in ("replicas.bootstrap_data=1", "diagnostics.shifts=[nothing]"):
        with pytest.raises(ConfigurationError):
            unfold(
                simulation=simulation,
                measured=measured,
                settings=[setting],
                output=finished,
                overwrite=True,
            )
    assert (finished / "events.parquet").read_bytes() == before


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process: exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples(
    path: Path, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Each example runs as it is written, smaller, and leaves what it names."""
    settings = ["output.report=none", "replicas={bootstrap_data: 2}", *SMALLER[path.stem]]
    small = [word for setting in settings for word in ("--set", setting)]
    code, shown, errors = command("unfold", path, "--output", tmp_path / "o", "--quiet", *small)
    assert (code, errors) == (0, "")
    assert "written to" in shown
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    # 1500 events, 3.5 % fakes, an efficiency of 86 %: 1690, known to 3 %.
    assert 1500 < report["total"] < 1900


def test_unfoldings_side_by_side(
    finished: Path, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Observables of the same bins over each other; without one the names are told."""
    report = json.loads((finished / "report.json").read_text("utf-8"))
    report["configuration"]["seed"] = 99
    for name in ("other", "foreign"):
        (tmp_path / name).mkdir()
        if name == "foreign":
            for histogram in report["histograms"]:
                histogram["observable"] = "x"
        (tmp_path / name / "report.json").write_text(json.dumps(report), "utf-8")
    page = tmp_path / "page.html"
    words = ("report", finished, "--compare", tmp_path / "other", "--output", page)
    assert command(*words) == (0, f"{page}\n", "")
    text = page.read_text("utf-8")
    assert text.count('<figure id="figure-overlay-') == 2
    assert "<td>seed</td>" in text
    code, _, errors = command("report", finished, "--compare", tmp_path / "foreign")
    assert code != 0
    assert "without a common observable in the same bins: out: m, m/(k + 1); foreign: x" in errors


def test_the_command(
    finished: Path, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Flags alone; JSON; a page drawn again; mistakes in one line."""
    simulation, measured = (
        finished.parent / "simulation.parquet",
        finished.parent / "measured.parquet",
    )
    words = ("unfold", "--simulation", simulation, "--measured", measured, "--method", "ibu")
    small = (
        "histograms.m={bins: 4, low: 0, high: 40}",
        "diagnostics={shifts: [], harm: []}",
        *FAST,
    )
    flags = [word for setting in small for word in ("--set", setting)]
    code, shown, errors = command(
        *words, "--observable", "m", "--output", tmp_path / "o", "--json", *flags
    )
    assert (code, errors) == (0, "")
    assert json.loads(shown)["truth"] == ["m"]
    assert command("report", tmp_path / "o")[0] == 0
    page = (tmp_path / "o" / "report.html").read_text()
    assert "true events in the fiducial region" in page
    code, _, errors = command(*words, "--observable", "q", "--output", tmp_path / "p")
    assert (code, errors.count("\n")) == (2, 1)
    assert "no column 'q' at either level" in errors
    code, _, errors = command("unfold", "--measured", measured)
    assert (code, errors) == (
        2,
        "error: no simulation events: give --simulation FILE, or a run file\n",
    )
    assert command("unfold", "--resume", tmp_path / "o", "--seed", "3")[0] == 2
