"""`crosshook infer`: the example from beginning to end, its cache, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from crosshook.core.cli import main
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.inference.event_table import read_events
from crosshook.core.inference.result import IntervalResult
from crosshook.core.inference.run import infer
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.interfaces.features import Features
from crosshook.core.report.compared_inferences import inferences_headline, inferences_sections
from crosshook.core.report.inference import headline

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.inference.result import InferenceReport

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "mem-toy.yaml"
SMALL = (
    "data.simulate.events=100",
    "parameters.alpha.points=20",
    "integral.points=64",
    "integral.training.events=6000",
    "integral.training.passes=5",
    "integral.training.batch=128",
    "integral.training.learning_rate=1.0e-2",
    "integral.proposal={use: flow, options: {hidden: 16, depth: 1, bins: 6}}",
    "intervals.toys={experiments: 100, values: 2, pool: 400}",
)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("infer") / "toy"


@pytest.fixture(scope="module")
def report(directory: Path) -> InferenceReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return infer(EXAMPLE, settings=SMALL, output=directory)


def test_the_example_finds_its_parameter(report: InferenceReport, directory: Path) -> None:
    (alpha,) = report.parameters
    assert alpha.truth == 0.349
    assert alpha.period == pytest.approx(torch.pi)
    away = (alpha.best - 0.349 + torch.pi / 2) % torch.pi - torch.pi / 2
    # 400 events have an error of 0.09; 100 twice that; five of these
    assert abs(away) < 5 * 0.18
    kinds = [(interval.method, interval.level) for interval in alpha.intervals]
    assert kinds == [("wilks", 0.6827), ("wilks", 0.9545), ("neyman", 0.6827), ("neyman", 0.9545)]
    assert report.integrals is not None
    assert report.integrals.effective > 0.3
    assert report.integrals.uniform < 0.1
    assert sum(report.integrals.counts) == report.events == 100
    assert [worst.number for worst in report.integrals.worst]
    assert len(report.toys) == 2
    page = (directory / "report.html").read_text("utf-8")
    for words in ("Likelihood of alpha", "Coverage of alpha", "Effective points", "σ_fid"):
        assert words in page
    kept = load_file(directory / "likelihoods.safetensors")
    assert kept["log_p"].shape == (100, 20)
    assert kept["axis.alpha"].shape == (20,)


def test_integrals_and_proposals_are_found_again(
    report: InferenceReport, directory: Path, tmp_path: Path
) -> None:
    cache = directory / "cache"
    before = {path.name for path in cache.iterdir()}
    settings = (*SMALL, f"output.cache={cache}", "output.report=none")
    again = infer(EXAMPLE, settings=settings, output=tmp_path / "again")
    assert {path.name for path in cache.iterdir()} == before
    assert again.parameters == report.parameters
    assert again.toys == report.toys


def test_the_report_is_drawn_again(report: InferenceReport, directory: Path) -> None:
    page = (directory / "report.html").read_text("utf-8")
    main(["report", str(directory), "--output", str(directory / "again.html")])
    assert (directory / "again.html").read_text("utf-8") == page


def test_the_headline_of_an_interval_across_the_end_of_the_circle(report: InferenceReport) -> None:
    """0.02 is 3.16 where the interval lies beyond π, and 3.12 is −0.02 where it lies around 0."""
    (alpha,) = report.parameters
    for best, ends, words in (
        (0.02, (3.06, 3.36), "alpha = 3.16 (+0.20, −0.10)"),
        (3.12, (-0.22, 0.08), "alpha = -0.02 (+0.10, −0.20)"),
    ):
        interval = IntervalResult(0.6827, "wilks", (ends,))
        turned = replace(alpha, best=best, intervals=(interval,))
        assert headline(replace(report, parameters=(turned,))).value == words


def test_a_directory_is_not_replaced_by_mistake(
    report: InferenceReport, directory: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="holds an inference already; use --overwrite"):
        infer(EXAMPLE, output=directory)
    (tmp_path / "thesis.tex").write_text("do not lose me")
    with pytest.raises(OutputError, match="is not an inference"):
        infer(EXAMPLE, output=tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["parameters.alpha.range=[0, 4]"], "longer than the period|outside of CP toy"),
        (["parameters.beta={range: [0, 1]}"], r"parameters.beta: CP toy has no parameter 'beta'"),
        (["fixed.beta=1"], r"fixed.beta: CP toy has no parameter 'beta'"),
        (["fixed.alpha=1"], "fixed.alpha: is among the parameters too"),
        (
            ["data.simulate.parameters={beta: 1}"],
            "data.simulate.parameters.beta: CP toy has no parameter",
        ),
        (["parameters.alpha.nuisance=true"], "all are nuisances"),
        (["data.files=x.parquet"], "data: give one of files and simulate"),
        (["integral.proposal=vegas"], "'vegas' cannot be told of an event"),
        (["integral.points=16", "integral.replicas=16"], "16 points in 16 replicas"),
        (["transfer=flow"], "'flow' learns; give its model, or train"),
        (["transfer={use: flow, train: {}}"], "what is simulated to train on"),
        (["transfer={use: python, options: {function: 'x.py:y'}, train: {}}"], "not trainable"),
        (["processes={a: {process: x, transfer: y}}"], "give one of process and processes"),
        (["transfer={options: {}}"], "names no component"),
        (["integral.point=3"], "integral.point: not allowed; did you mean points"),
        (["data.simulate.parameters.alpha=9"], r"alpha = 9 is outside of CP toy"),
    ],
)
def test_what_is_refused(settings: list[str], words: str, tmp_path: Path) -> None:
    small = [*SMALL[:-1], "integral.training.events=1000", *settings]
    with pytest.raises(ConfigurationError, match=words):
        infer(EXAMPLE, settings=small, output=tmp_path / "out")


def test_a_process_without_parameters(tmp_path: Path) -> None:
    small = [*SMALL, "process={python: 'examples/mem_toy.py:density', dimensions: 2}"]
    with pytest.raises(ConfigurationError, match="has no parameters to infer"):
        infer(EXAMPLE, settings=small, output=tmp_path / "out")


def test_signal_and_background_with_a_rate(tmp_path: Path, toy: Any) -> None:
    """A rate of background as a nuisance; and transfer functions that are ignored are refused."""
    document = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    flat = {
        **document["process"],
        "python": "tests/core/inference/flat.py:density",
        "name": "flat",
    }
    parts = {key: document.pop(key) for key in ("process", "transfer")}
    document["processes"] = {
        "signal": parts,
        "background": {
            "process": {k: v for k, v in flat.items() if k != "parameters"}
            | {"parameters": {"slope": {"value": 0.0, "range": [-1, 1]}}},
            "transfer": parts["transfer"],
            "rate": {
                "range": [0.2, 1.8],
                "points": 9,
                "nuisance": True,
                "constraint": {"mean": 1.0, "deviation": 0.2},
            },
        },
    }
    path = tmp_path / "sum.yaml"
    path.write_text(json.dumps(document), "utf-8")
    settings = [*SMALL[:-1], "intervals.toys=null", "output.report=none"]
    found = infer(path, settings=settings, output=tmp_path / "out")
    names = [parameter.name for parameter in found.parameters]
    assert names == ["alpha", "rate_background"]
    rate = found.parameters[1]
    assert rate.nuisance
    # a constraint of 0.2 is what holds it: data know the shape alone
    assert abs(rate.best - 1.0) < 5 * 0.2
    assert [section.process for section in found.cross_sections] == ["signal"]


def likelihoods_of(path: Path) -> torch.Tensor:
    return load_file(path / "likelihoods.safetensors")["log_p"]


def test_events_from_files(tmp_path: Path, write_parquet: Callable[..., Path]) -> None:
    q = torch.linspace(-3, 3, 12, dtype=torch.float64).tolist()
    y = torch.linspace(-1, 1, 12, dtype=torch.float64).tolist()
    good = write_parquet({"q": q, "y": y, "pass_reco": [True] * 10 + [False] * 2})
    document = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    document["data"] = {"files": str(good)}
    path = tmp_path / "files.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    settings = [*SMALL[1:-1], "intervals.toys=null", "output.report=none"]
    found = infer(path, settings=settings, output=tmp_path / "out")
    assert found.events == 10
    assert likelihoods_of(tmp_path / "out").shape == (10, 20)


def test_events_with_other_objects(write_parquet: Callable[..., Path]) -> None:
    one = torch.zeros((1, 1), dtype=torch.float64)
    like = Features(
        one,
        ("met",),
        ("GeV",),
        {"jets": (torch.zeros((1, 1, 2), dtype=torch.float64), torch.ones((1, 1)).bool())},
        {"jets": ("pt", "eta")},
    )
    pt, eta = [[50.0, 30.0], [], [20.0]], [[0.1, 0.2], [], [0.3]]
    good = write_parquet({"reco_met": [1.0, 2.0, 3.0], "jets_pt": pt, "jets_eta": eta})
    found = read_events([good, good], like)
    values, mask = found.sets["jets"]
    assert found.names == ("met",)
    assert mask.tolist() == [[True, True], [False, False], [True, False]] * 2
    assert values[0].tolist() == [[50.0, 0.1], [30.0, 0.2]]
    one_jet = {"met": [1.0], "jets_pt": [[1.0]], "jets_eta": [[1.0]]}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("no column 'jets_eta'; did you mean", {"met": [1.0], "jets_pt": [[1.0]]}),
        ("have different lengths: 1, 2", one_jet | {"jets_eta": [[1.0, 2.0]]}),
        ("met is nan", one_jet | {"met": [float("nan")]}),
        ("jets_pt is inf", one_jet | {"jets_pt": [[float("inf")]]}),
        ("no events", one_jet | {"pass_reco": [False]}),
        ("of which jets are sets", one_jet | {"jets_pt": [1.0], "jets_eta": [1.0]}),
    ]
    for words, columns in cases:
        with pytest.raises(InputError, match=words):
            read_events([write_parquet(columns)], like)


def test_sets_with_names_of_several_words(write_parquet: Callable[..., Path]) -> None:
    """Lists of equal lengths that begin alike are the sets of the transfer function all the same."""
    objects = (torch.zeros((1, 1, 1), dtype=torch.float64), torch.ones((1, 1)).bool())
    like = Features(
        torch.zeros((1, 0), dtype=torch.float64),
        (),
        (),
        {"b_jet": objects, "b_hadron": objects, "mu": objects},
        {"b_jet": ("d0_sig",), "b_hadron": ("pt",), "mu": ("mu",)},
    )
    lists = [[1.0, 2.0], [3.0]]
    table = write_parquet({"reco_b_jet_d0_sig": lists, "b_hadron_pt": lists, "reco_mu": lists})
    found = read_events([table], like)
    assert found.set_names == like.set_names
    for values, mask in found.sets.values():
        assert mask.tolist() == [[True, True], [True, False]]
        assert values[:, :, 0].tolist() == [[1.0, 2.0], [3.0, 0.0]]


def test_the_resolved_file_is_complete(tmp_path: Path) -> None:
    config = load_inference_file(EXAMPLE, output=tmp_path)
    assert config.directory == tmp_path
    assert config.cache == tmp_path / "cache"
    json.dumps(config.document)


def test_networks_trained_on_a_simulator_are_a_band(tmp_path: Path) -> None:
    """Two flows learn the detector from its events; they are found again, and differ."""
    learned = {
        "use": "flow",
        "options": {"epochs": 4, "acceptance_epochs": 3, "hidden": 16, "depth": 1},
        "train": {"events": 6000, "networks": 2},
    }
    document = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    document |= {"simulator": document["transfer"], "transfer": learned}
    path = tmp_path / "learned.yaml"
    path.write_text(json.dumps(document), "utf-8")
    settings = [*SMALL[:-1], "data.simulate.events=40", "intervals.toys=null"]
    first = infer(path, settings=settings, output=tmp_path / "out")
    (alpha,) = first.parameters
    assert first.ensemble == len(alpha.members) == 2
    assert alpha.ensemble_deviation > 0
    assert alpha.members[0] != alpha.members[1]
    again = infer(path, settings=settings, output=tmp_path / "out", overwrite=True)
    assert again.parameters == first.parameters
    assert [judged.name for judged in again.judged] == ["flow 1", "flow 2"]
    assert {ranks.name for ranks in again.judged[0].judgement.ranks} == {"T", "y", "q"}
    assert again.judged == first.judged
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Ranks: flow 2" in page
    assert "Acceptance: flow 1" in page


def test_inferences_side_by_side(
    report: InferenceReport, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each interval has its own level beside it; other parameters are refused."""
    (alpha,) = report.parameters
    other = replace(alpha, intervals=(IntervalResult(0.9, "wilks", ((-0.25, 0.75),)),))
    ninety = replace(report, levels=(0.9,), parameters=(other,))
    likelihood, settings = inferences_sections(("a", "b"), [report, ninety])
    rows = likelihood.tables[0].rows
    assert [row[1] for row in rows] == ["a"] * len(alpha.intervals) + ["b"]
    assert rows[-1][4:] == ("90.00%", "Wilks", "[-0.25, 0.75]")
    assert settings.tables == ()
    assert (
        inferences_headline(("a", "b"), [report, ninety]).facts[0].help == "alpha, 90.0% interval"
    )
    elsewhere = replace(report, parameters=(replace(alpha, name="beta"),))
    with pytest.raises(InputError, match="without a common parameter: a: alpha; b: beta"):
        inferences_sections(("a", "b"), [report, elsewhere])

    copied = tmp_path / "copied"
    copied.mkdir()
    (copied / "report.json").write_bytes((directory / "report.json").read_bytes())
    main(
        ["report", str(directory), "--compare", str(copied), "--output", str(tmp_path / "x.html")]
    )
    assert capsys.readouterr().out.strip() == str(tmp_path / "x.html")
    assert "The inferences have the same settings." in (tmp_path / "x.html").read_text("utf-8")
