"""Parquet and ROOT files of the same events are the same table; files are chained; sets are made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
import torch
import uproot

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.unfolding import tables
from crosshook.core.unfolding.column_expression import ColumnExpression
from crosshook.core.unfolding.run_file import Flags, load_unfold_file
from crosshook.core.unfolding.sample import Sample, read_sample
from crosshook.core.unfolding.set_names import set_names
from crosshook.core.unfolding.tables import Lists, Table, read_table
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from pathlib import Path


def sample(folder: Path, *settings: str, measured: str = "measured.parquet") -> Sample:
    flags = Flags(folder / "simulation.parquet", folder / measured, settings=settings)
    return read_sample(load_unfold_file(None, flags))


def lists(n: int) -> list[list[float]]:
    """n lists of 0 to 3 numbers."""
    return [[float(10 * i + j) for j in range(i % 4)] for i in range(n)]


def write_root(path: Path, columns: dict[str, np.ndarray]) -> None:
    with uproot.recreate(path) as file:
        file["events"] = columns


def test_both_formats_are_one_table(tmp_path: Path) -> None:
    columns = {"a": np.arange(6.0), "flag": np.arange(6) % 2 == 0, "count": np.arange(6)}
    parquet = small_files.write(tmp_path / "t.parquet", {**columns, "l": pa.array(lists(6))})
    write_root(tmp_path / "t.root", {**columns, "l": ak.Array(lists(6))})
    for path in (parquet, tmp_path / "t.root"):
        table = read_table([path])
        assert table.length == 6
        for name, column in columns.items():
            np.testing.assert_array_equal(table.columns[name], column)
        assert table.columns["flag"].dtype == np.bool_
        found = table.columns["l"]
        assert isinstance(found, Lists)
        assert found.counts.tolist() == [0, 1, 2, 3, 0, 1]
        assert found.values.tolist() == [10, 20, 21, 30, 31, 32, 50]


def test_files_one_after_another(tmp_path: Path) -> None:
    paths = [
        small_files.write(tmp_path / f"{i}.parquet", {"a": np.arange(3.0) + 10 * i})
        for i in range(2)
    ]
    table = read_table(paths)
    assert np.asarray(table.columns["a"]).tolist() == [0, 1, 2, 10, 11, 12]
    assert table.place(4) == f"{paths[1]}: row 1"
    other = small_files.write(tmp_path / "other.parquet", {"b": np.arange(3.0)})
    with pytest.raises(InputError, match=r"other.parquet: other columns than .*0.parquet: a, b"):
        read_table([paths[0], other])


def test_more_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the figure before anything is read: 2 columns of 1000 rows, 8 bytes, 3 times."""
    columns = {"a": np.arange(1000.0), "b": np.arange(1000.0)}
    parquet = small_files.write(tmp_path / "t.parquet", columns)
    write_root(tmp_path / "t.root", columns)
    for path in (parquet, tmp_path / "t.root"):
        monkeypatch.setattr(tables, "memory", lambda: 47_000.0)
        with pytest.raises(InputError, match=r"1000 rows of 2 columns take some 4.8e-05 GB"):
            read_table([path])
        monkeypatch.setattr(tables, "memory", lambda: 49_000.0)
        assert read_table([path]).length == 1000


def test_expressions() -> None:
    columns = {
        "a": np.array([1.0, 2.0, 3.0]),
        "flag": np.array([True, False, True]),
        "l": Lists(np.array([0, 2, 1]), np.array([5.0, 6.0, 7.0])),
    }
    table = Table("t", 3, columns)
    assert ColumnExpression("2*a + 1", table, "w").values().tolist() == [3, 5, 7]
    assert ColumnExpression("flag and a > 1", table, "w").holds().tolist() == [False, False, True]
    second = ColumnExpression("l[1]", table, "w").values()
    torch.testing.assert_close(
        second, torch.tensor([torch.nan, 6.0, torch.nan]).double(), equal_nan=True
    )
    for text, kind in (("l", ConfigurationError), ("a[0]", ConfigurationError), ("b", InputError)):
        with pytest.raises(kind, match="w: "):
            ColumnExpression(text, table, "w").values()


def test_measured_columns_with_and_without_prefix(tmp_path: Path) -> None:
    small_files.write_pair(tmp_path)
    with_prefix = sample(tmp_path).inputs.measured.reco
    plain = {k.removeprefix("reco_"): v for k, v in small_files.measured().items()}
    write_root(tmp_path / "plain.root", plain)
    without = sample(tmp_path, measured="plain.root").inputs.measured.reco
    assert with_prefix.names == without.names == ("m", "k")
    torch.testing.assert_close(with_prefix.dense, without.dense)


def test_weights_selections_and_masks(tmp_path: Path) -> None:
    small_files.write_pair(tmp_path)
    columns = small_files.simulated()
    made = sample(
        tmp_path,
        "simulation.weight=2",
        "simulation.selection=pass_truth",
        "measured.selection=reco_m > 20",
        "units.m=GeV",
        "systematics={up: 1 + 0.01*truth_m}",
    )
    simulation = made.inputs.simulation
    chosen = columns["pass_truth"]
    assert simulation.has_truth.all()
    np.testing.assert_array_equal(simulation.has_reco.numpy(), columns["pass_reco"][chosen])
    assert simulation.weight.unique().tolist() == [2.0]
    assert simulation.truth.units == ("GeV", "")
    assert not simulation.reco.dense[~simulation.has_reco].any()
    assert float(made.inputs.measured.reco.dense[:, 0].min()) > 20
    truth = torch.from_numpy(columns["truth_m"][chosen])
    torch.testing.assert_close(made.systematics["up"], 1 + 0.01 * truth)
    every = sample(tmp_path, "systematics={up: 1 + 0.01*truth_m}")
    fakes = ~every.inputs.simulation.has_truth
    assert every.systematics["up"][fakes].unique().tolist() == [1.0]
    words = f"systematic up: {int(fakes.sum())} events without truth or reconstruction"
    assert any(note.startswith(words) for note in every.notes)


def test_a_method_by_flag_keeps_its_options(tmp_path: Path) -> None:
    simulation, measured = small_files.write_pair(tmp_path)
    run_file = tmp_path / "run.yaml"
    run_file.write_text("unfolder: {use: ibu, options: {iterations: 7}}\n")
    for method, options in (("ibu", {"iterations": 7}), ("omnifold", {"iterations": 4})):
        slot = load_unfold_file(run_file, Flags(simulation, measured, method=method)).slot
        assert slot.use == method
        assert options.items() <= slot.options.items()


def test_columns_by_expression(tmp_path: Path) -> None:
    """Other names, and quantities that are in no column; measured ones likewise."""
    small_files.write_pair(tmp_path)
    made = sample(
        tmp_path,
        "simulation.truth.columns={half: truth_m/2, k: truth_k}",
        "simulation.reco.columns={half: reco_m/2, k: reco_k}",
        "observables=[half]",
    )
    columns = small_files.measured()
    assert made.inputs.simulation.truth.names == ("half",)
    np.testing.assert_allclose(made.inputs.measured.reco.dense[:, 0], columns["reco_m"] / 2)
    assert set(made.truth.dense) == {"half", "k"}


def test_sets_of_objects(tmp_path: Path) -> None:
    """Columns of lists become padded values with a mask, from both formats."""
    simulation, measured = small_files.simulated(60), small_files.measured(40)
    both = {"reco_c_pt": lists(60), "reco_c_eta": lists(60)}
    small_files.write(
        tmp_path / "simulation.parquet",
        {**simulation, **{k: pa.array(v) for k, v in both.items()}},
    )
    seen = {"reco_c_pt": ak.Array(lists(40)), "reco_c_eta": ak.Array(lists(40))}
    write_root(tmp_path / "measured.root", {**measured, **seen})
    made = sample(tmp_path, "observables=[m, c]", measured="measured.root")
    reco = made.inputs.simulation.reco
    assert made.inputs.simulation.truth.names == reco.names == ("m",)
    values, mask = reco.sets["c"]
    assert values.shape == (len(reco), 3, 2)
    assert reco.set_names["c"] == ("pt", "eta")
    has = made.inputs.simulation.has_reco
    assert not mask[~has].any()
    known = made.inputs.measured.reco.sets["c"]
    assert known[1].sum(dim=1).tolist() == [i % 4 for i in range(40)]
    assert known[0][2, :, 0].tolist() == [20, 21, 0]


def test_sets_by_names_and_lengths() -> None:
    """Quantities of several words belong to the set whose lengths they have."""
    short, long = (
        Lists(counts, np.zeros(counts.sum())) for counts in (np.array([1, 2]), np.array([2, 2]))
    )
    particles = {"p_pt": short, "p_d0_sig": short, "p_d0_err": short}
    assert set_names(particles) == {
        "p_pt": ("p", "pt"),
        "p_d0_sig": ("p", "d0_sig"),
        "p_d0_err": ("p", "d0_err"),
    }
    jets = {"large_jet_pt": short, "large_jet_m": short, "large_track_pt": long, "hits": long}
    assert set_names(jets) == {
        "large_jet_pt": ("large_jet", "pt"),
        "large_jet_m": ("large_jet", "m"),
        "large_track_pt": ("large_track", "pt"),
        "hits": ("hits", "hits"),
    }
    # What differs in length under one name is refused by whoever reads it.
    assert set_names({"p_pt": short, "p_eta": long}) == {
        "p_pt": ("p", "pt"),
        "p_eta": ("p", "eta"),
    }


def test_executors_are_named_as_in_run(tmp_path: Path) -> None:
    """Options beside `use`; --workers takes processes where the file says serial."""
    files = Flags(tmp_path / "simulation.parquet", tmp_path / "measured.parquet", method="ibu")
    run_file = tmp_path / "unfold.yaml"
    run_file.write_text("executor: {use: processes, workers: 3}\n")
    chosen = load_unfold_file(run_file, files).executor
    assert (chosen.use, chosen.options["workers"]) == ("processes", 3)
    run_file.write_text("executor: serial\n")
    chosen = load_unfold_file(run_file, replace(files, workers=2)).executor
    assert (chosen.use, chosen.options["workers"]) == ("processes", 2)
