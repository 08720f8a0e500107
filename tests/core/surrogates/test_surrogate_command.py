"""`crosshook surrogate`: from a run file to model, card, report, judgement on a table, one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from crosshook import schemas
from crosshook.core.cli import main
from crosshook.core.errors import InputError
from crosshook.core.progress import Silent
from crosshook.core.report.side_by_side import compare
from crosshook.core.surrogates.models import load_surrogate
from crosshook.core.surrogates.points import gather_points, split
from crosshook.core.surrogates.run_file import load_surrogate_file

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "surrogates" / "gg-3g.yaml"
EVENTS = ROOT / "tests" / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
SMALL = (
    "points.draw=3000",
    "sampling.evaluations=2000",
    "surrogate.options.epochs=20",
    "surrogate.options.hidden=16",
)


def train(output: Path, *settings: str, example: Path = EXAMPLE) -> list[str]:
    """Words of a small training."""
    flags = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    return ["surrogate", "train", str(example), "--output", str(output), "--quiet", *flags]


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


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained surrogate."""
    folder = tmp_path_factory.mktemp("surrogate") / "gg-3g"
    main(train(folder))
    return folder


def test_what_a_training_leaves(directory: Path) -> None:
    names = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    model = {"model/model.json", "model/model.safetensors", "model/model_card.json"}
    assert names == {"run.yaml", "report.json", "report.html", *model}
    card = json.loads((directory / "model" / "model_card.json").read_text())
    jsonschema.validate(card, schemas.load("v1/model_card"))
    assert card["licence"] == "CC0-1.0"
    assert card["process"]["pdg"] == [[21] * 5]
    assert card["process"]["qcd_order"] == [3]
    assert (card["data"]["points"], card["data"]["held_out"]) == (2400, 600)
    assert card["data"]["energy"] == pytest.approx([1000.0, 1000.0])
    # m_ij > 30 GeV at 1 TeV; and p_T > 30 GeV of energies up to 500 GeV allows no less to the beams.
    assert 0.9e-3 * (1 - 1e-6) <= card["data"]["smallest_pair"] < 2e-3
    report = json.loads((directory / "report.json").read_text())
    assert report["evaluation"]["n"] == 600
    assert len(report["losses"]) > 10
    assert report["losses"][-1] < report["losses"][0]
    page = (directory / "report.html").read_text()
    assert "gg to three gluons" in page
    assert "NaN" not in page
    for section in ("accuracy", "calibration", "training", "provenance"):
        assert f'<section id="{section}">' in page


def test_the_report_is_drawn_again(
    directory: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "again.html"
    code, out, _ = command("report", str(directory), "--output", str(path))
    assert (code, out.strip()) == (0, str(path))
    assert path.read_bytes() == (directory / "report.html").read_bytes()


def test_the_same_seed_gives_the_same_model(directory: Path, tmp_path: Path) -> None:
    main(train(tmp_path / "again"))
    tensors = "model/model.safetensors"
    assert (tmp_path / "again" / tensors).read_bytes() == (directory / tensors).read_bytes()


def test_a_table_is_judged(
    directory: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """The points held out, written as a table, give the figures of the training's report."""
    config = load_surrogate_file(EXAMPLE, settings=SMALL)
    table = gather_points(config, Silent()).table
    _, held = split(table, config.held_out, config.seed)
    columns = {
        f"p{leg}_{axis}": held.momenta[:, leg, i].numpy()
        for leg in range(5)
        for i, axis in enumerate(("E", "px", "py", "pz"))
    }
    columns |= {"me2": held.amplitude.numpy(), "ps_weight": held.weight.numpy()}
    known = {"pdg": json.dumps([21] * 5), "alpha_s": "0.0885"}
    path = tmp_path / "held.parquet"
    parquet.write_table(pa.table(columns).replace_schema_metadata(known), path)
    words = ["surrogate", "evaluate", str(directory), str(path), "--weight", "ps_weight"]
    code, out, _ = command(*words, "--json")
    assert code == 0
    found, wanted = json.loads(out), json.loads((directory / "report.json").read_text())
    for key in ("deviations", "weighted", "pull_width", "kish", "extrapolated"):
        assert found[key] == pytest.approx(wanted["evaluation"][key], rel=1e-9)
    code, out, _ = command(*words)
    assert code == 0
    assert "on 600 points" in out
    other = pa.table(columns).replace_schema_metadata({**known, "pdg": "[21, 21, 6, -6, 21]"})
    parquet.write_table(other, path)
    code, _, error = command(*words)
    assert code == 3
    assert "not for [21, 21, 6, -6, 21]" in error


def test_export_as_a_program_of_torch(
    directory: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "surrogate.pt2"
    code, out, _ = command("surrogate", "export", str(directory), str(path), "--json")
    assert code == 0
    report = json.loads(out)
    assert (report["kind"], report["points"]) == ("torch.export", 64)
    assert report["largest_difference"] < 1e-4
    surrogate = load_surrogate(directory / "model")
    columns = tuple(column[:5] for column in surrogate.samples())  # type: ignore[attr-defined]
    program = torch.export.load(path).module()
    wanted = surrogate.predict(*columns)
    for got, name in zip(program(*columns), ("log_abs", "sign", "log_std"), strict=True):
        torch.testing.assert_close(got, getattr(wanted, name), rtol=0, atol=1e-4)
    code, _, error = command("surrogate", "export", str(directory), str(path))
    assert code == 4
    assert "exists already" in error
    code, _, error = command("surrogate", "export", str(directory), str(tmp_path / "x.h5"))
    assert code == 2
    assert "ends with '.h5', not with one of .onnx, .pt2" in error
    code, _, error = command("surrogate", "export", str(tmp_path), str(tmp_path / "x.pt2"))
    assert code == 3
    assert "no surrogate here" in error


def test_export_as_a_library(
    directory: Path,
    tmp_path: Path,
    command: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    path = tmp_path / "libsurrogate.so"
    code, out, _ = command("surrogate", "export", str(directory), str(path))
    assert code == 0
    assert f"{path}: umami, " in out
    code, out, _ = command("process", "show", str(path), "--json")
    assert code == 0
    assert json.loads(out)["legs"] == 5
    monkeypatch.setenv("CC", "no-such-compiler")
    words = ["surrogate", "export", str(directory), str(path)]
    code, _, error = command(*words)
    assert code == 4
    assert "exists already" in error
    before = path.read_bytes()
    code, _, error = command(*words, "--overwrite")
    assert code == 7
    assert "no C compiler: looked for no-such-compiler" in error
    assert path.read_bytes() == before


def test_points_of_an_event_file(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """e+e- → µ+µ-: twenty events of MadGraph, whose |M|² the process gives, make a training of 24."""
    run_file = tmp_path / "mumu.yaml"
    run_file.write_text(
        "process: ee-mumu\n"
        f"points: {{events: ['{EVENTS}', '{EVENTS}']}}\n"
        "surrogate: {use: invariants, options: {hidden: 4, depth: 1, epochs: 1}}\n"
    )
    words = ["surrogate", "train", str(run_file), "--output", str(tmp_path / "mumu"), "--json"]
    code, out, error = command(*words)
    assert (code, error) == (0, "")
    report = json.loads(out)
    assert report["points"] + report["evaluation"]["n"] == 40
    assert report["pdg"] == [[-11, 11, -13, 13]]
    assert report["source"] == f"events of {EVENTS.name}, {EVENTS.name}"
    assert any("figures of the tails are rough" in note for note in report["notes"])
    code, _, error = command(*words[:2], str(EXAMPLE), "--set", "process=pp-ttbar", *words[3:5])
    assert code == 4
    assert "holds a surrogate already" in error


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["points.table.files=x.parquet"], "points: give one of draw, table and events"),
        (["surrogate.options.quantil=1"], "surrogate.options.quantil: not allowed"),
        (["process=null"], "process"),
        (["held_out=1"], "held_out: 1 is"),
        (["surrogate=vegas"], "vegas"),
        (["cuts.pt=3"], "cuts"),
        (["card.license=MIT"], "card.license: not allowed; did you mean licence?"),
    ],
)
def test_mistakes_show_before_anything_is_computed(
    tmp_path: Path,
    command: Callable[..., tuple[int, str, str]],
    settings: list[str],
    words: str,
) -> None:
    code, _, error = command(*train(tmp_path / "x", *settings))
    assert code == 2
    assert words in error
    assert not (tmp_path / "x").exists()


def test_surrogates_are_compared_side_by_side(directory: Path, tmp_path: Path) -> None:
    """Of one process; with their deviations and the settings that differ."""
    document = json.loads((directory / "report.json").read_text("utf-8"))
    document["points"] += 1000
    document["configuration"]["seed"] = 99
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.json").write_text(json.dumps(document), "utf-8")
    text = compare([directory, other], tmp_path / "page.html").read_text("utf-8")
    assert "2 surrogates side by side" in text
    assert ">median |Δ|<" in text
    assert ">seed<" in text
    document["process"] = "g g > 4 g"
    (other / "report.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match="surrogates of different processes cannot be compared"):
        compare([directory, other], tmp_path / "page.html")
