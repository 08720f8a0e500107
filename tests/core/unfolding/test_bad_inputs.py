"""Inputs nothing can be made of end in one line that names file, row and column; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import uproot

from crosshook.core.errors import ConfigurationError, CrosshookError, InputError
from crosshook.core.unfolding.run import unfold
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Columns = dict[str, np.ndarray]
    Change = Callable[[Columns, Columns], None]


def attempt(folder: Path, simulation: object, measured: object, *settings: str) -> None:
    paths = []
    for name, columns in (("simulation", simulation), ("measured", measured)):
        path = folder / f"{name}.parquet"
        if isinstance(columns, bytes):
            path.write_bytes(columns)
        else:
            assert isinstance(columns, dict)
            small_files.write(path, columns)
        paths.append(path)
    unfold(
        simulation=paths[0],
        measured=paths[1],
        method="ibu",
        settings=("output.report=none", *settings),
        output=folder / "out",
    )


def put(column: str, row: int, value: float) -> Change:
    def change(simulation: Columns, measured: Columns) -> None:
        side = measured if column.startswith("measured.") else simulation
        side[column.removeprefix("measured.")][row] = value

    return change


def drop(column: str) -> Change:
    def change(simulation: Columns, measured: Columns) -> None:
        side = measured if column.startswith("measured.") else simulation
        del side[column.removeprefix("measured.")]

    return change


def fill(column: str, value: float | bool) -> Change:
    def change(simulation: Columns, measured: Columns) -> None:
        side = measured if column.startswith("measured.") else simulation
        name = column.removeprefix("measured.")
        side[name] = np.full(len(next(iter(side.values()))), value)

    return change


def keep(which: str, rows: int) -> Change:
    def change(simulation: Columns, measured: Columns) -> None:
        side = measured if which == "measured" else simulation
        for name in side:
            side[name] = side[name][:rows]

    return change


def heavy(which: str, size: float) -> Change:
    def change(simulation: Columns, measured: Columns) -> None:
        side = measured if which == "measured" else simulation
        weight = np.ones(len(next(iter(side.values()))))
        both = np.ones(len(weight), bool)
        if which == "simulation":
            both = side["pass_truth"] & side["pass_reco"]
        weight[np.nonzero(both)[0][7]] = size
        side["weight"] = weight

    return change


def seen_row(seen: bool = True) -> int:
    """A row of the simulation with both levels, or one that is missed."""
    columns = small_files.simulated()
    wanted = columns["pass_truth"] & (columns["pass_reco"] == seen)
    return int(np.nonzero(wanted)[0][3])


ROW = seen_row()

CASES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "nan in truth": (
        put("truth_m", ROW, np.nan),
        ("simulation.parquet", f"row {ROW}", "truth_m is nan", "pass_truth"),
    ),
    "infinite reco": (put("reco_k", ROW, np.inf), (f"row {ROW}", "reco_k is inf", "pass_reco")),
    "nan in data": (put("measured.reco_m", 11, np.nan), ("measured.parquet: row 11: reco_m",)),
    "value without a square": (put("reco_m", ROW, 1e200), (f"row {ROW}", "1e+200: too large")),
    "huge weight of a missed event": (
        lambda s, m: [
            fill("weight", 1.0)(s, m),
            put("weight", seen_row(False), -1e300)(s, m),
        ].clear(),
        ("events with truth: weight of event", "-1e+300: too large"),
    ),
    "nan weight": (
        lambda s, m: [fill("weight", 1.0)(s, m), put("weight", 5, np.nan)(s, m)].clear(),
        ("simulation.parquet: row 5: weight weight is nan",),
    ),
    "flag that is none": (fill("pass_reco", 2.0), ("row 0: pass_reco is 2", "0 or 1")),
    "no truth columns": (
        lambda s, m: [drop(f"truth_{n}")(s, m) for n in "mk"].clear(),
        ("no column begins with 'truth_'", "simulation.truth.columns"),
    ),
    "column missing in data": (
        drop("measured.reco_k"),
        ("measured.parquet: no column 'reco_k'", "did you mean reco_m?", "observables says"),
    ),
    "truth called as weights are": (
        lambda s, m: s.update({"truth_weights_nominal": s["truth_m"]}),
        ("'truth_weights_nominal'", "those of weights", "simulation.truth.columns"),
    ),
    "all fakes": (fill("pass_truth", False), ("none of", "has truth: all are fakes")),
    "none seen": (fill("pass_reco", False), ("none of", "both truth and reconstruction")),
    "constant column": (fill("truth_k", 4.0), ("k is 4 in all", "leave it out")),
    "empty simulation": (keep("simulation", 0), ("simulation.parquet: simulation: no events",)),
    "empty data": (keep("measured", 0), ("measured.parquet: measured: no events",)),
    "single measured event": (keep("measured", 1), ("1 events count as 1; at least 10",)),
    "huge weight": (heavy("simulation", 1e12), ("count as 1", "has 1e+12 of")),
    "huge weight of data": (heavy("measured", 1e12), ("measured: 300 events count as 1",)),
    "weight too large to square": (heavy("measured", 1e200), ("1e+200: too large",)),
    "weights that cancel": (heavy("measured", -1e3), ("add up to -701", "above 0")),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str, tmp_path: Path) -> None:
    change, words = CASES[name]
    simulation, measured = small_files.simulated(), small_files.measured()
    change(simulation, measured)
    with pytest.raises(InputError) as caught:
        attempt(tmp_path, simulation, measured)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (tmp_path / "out").exists()


def test_a_single_simulated_event(tmp_path: Path) -> None:
    simulation = {name: column[ROW : ROW + 1] for name, column in small_files.simulated().items()}
    with pytest.raises(InputError, match="1 events count as 1; at least 10 are needed"):
        attempt(tmp_path, simulation, small_files.measured())


SETTINGS: dict[str, tuple[str, type[CrosshookError], tuple[str, ...]]] = {
    "unknown observable": (
        "observables=[mm]",
        ConfigurationError,
        ("command line: observables", "'mm'", "did you mean m?"),
    ),
    "unknown weight": ("simulation.weight=wieght", InputError, ("'wieght'",)),
    "weight that is no expression": ("measured.weight=1+", ConfigurationError, ("'1+'",)),
    "condition as weight": ("measured.weight=reco_m > 3", ConfigurationError, ("a condition",)),
    "quantity as selection": ("measured.selection=reco_m", InputError, ("flags are 0 or 1",)),
    "edges that fall": ("histograms.m.edges=[1,0]", ConfigurationError, ("histograms.m", "rise")),
    "half a binning": ("histograms.m.bins=3", ConfigurationError, ("low and high",)),
    "unknown key": ("simulation.weigth=w", ConfigurationError, ("did you mean weight?",)),
    "unknown option": (
        "unfolder.options.iteration=2",
        ConfigurationError,
        ("unfolder.options.iteration", "did you mean iterations?"),
    ),
    "bins of another column": ("unfolder.options.bins.pt=3", ConfigurationError, ("'pt'", "m, k")),
    "edges of cells that fall": (
        "unfolder.options.bins.m=[3,1]",
        ConfigurationError,
        ("bins of m", "do not rise"),
    ),
    "only events outside": ("measured.selection=reco_m > 1000", InputError, ("no events",)),
    "background larger than data": (
        "background.scale=3",
        InputError,
        ("background: 900 events expected, but 300 measured",),
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_refused_settings(name: str, tmp_path: Path) -> None:
    setting, kind, words = SETTINGS[name]
    settings = [setting]
    if setting.startswith("background"):
        settings.insert(0, f"background.file={tmp_path / 'measured.parquet'}")
    with pytest.raises(kind) as caught:
        attempt(tmp_path, small_files.simulated(), small_files.measured(), *settings)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"root", b"m,k\n1,2\n"], ids=repr)
def test_files_that_are_none(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"simulation\.parquet"):
        attempt(tmp_path, content, small_files.measured())


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.parquet: No such file"):
        unfold(simulation=tmp_path / "nowhere.parquet", measured=tmp_path / "nowhere.parquet")


def test_sets_of_different_lengths(tmp_path: Path) -> None:
    simulation = dict(small_files.simulated())
    n = len(simulation["truth_m"])
    simulation["reco_c_pt"] = pa.array([[1.0, 2.0]] * n)  # type: ignore[assignment]
    simulation["reco_c_eta"] = pa.array([[1.0, 2.0]] * 4 + [[1.0]] * (n - 4))  # type: ignore[assignment]
    with pytest.raises(
        InputError, match=r"row 4: the columns pt, eta of the set 'c' have .* 2, 1"
    ):
        attempt(tmp_path, simulation, small_files.measured())


def test_branches_of_different_lengths_cannot_be_read(tmp_path: Path) -> None:
    """Two trees: which one must be said."""
    path = tmp_path / "two.root"
    with uproot.recreate(path) as file:
        file["a"] = {"reco_m": np.arange(20.0)}
        file["b"] = {"reco_m": np.arange(20.0)}
    simulation, _ = small_files.write_pair(tmp_path)
    with pytest.raises(InputError, match=r"2 trees \(a, b\); say which with tree"):
        unfold(simulation=simulation, measured=path)


def test_few_carry_the_result(tmp_path: Path) -> None:
    """Legitimate, but said: a few events with most of the weight."""
    simulation, measured = small_files.simulated(2000), small_files.measured(1000)
    measured["weight"] = np.where(np.arange(len(measured["reco_m"])) % 50 == 0, 1000.0, 1.0)
    paths = [
        small_files.write(tmp_path / f"{name}.parquet", columns)
        for name, columns in (("s", simulation), ("m", measured))
    ]
    report = unfold(
        simulation=paths[0],
        measured=paths[1],
        method="ibu",
        settings=("output.report=none",),
        output=tmp_path / "out",
    )
    assert any("few carry the result" in note for note in report.notes)
