"""Tables of amplitudes in Parquet: all columns, incoming legs implied, and what may be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from crosshook.core.errors import InputError
from crosshook.core.surrogates.parquet_table import read_tables
from crosshook.core.surrogates.run_file import TableFiles
from crosshook.core.testkit.amplitude_surrogate import ENERGY, momenta

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PDG, MASSES = (21, 21, 6, -6, 21), (0.0, 0.0, 50.0, 50.0, 0.0)
N = 6


def some_momenta() -> NDArray[np.float64]:
    """Energies follow from three-momenta and masses; nothing here asks them to be conserved."""
    p = momenta(N, 5, torch.Generator().manual_seed(1)).numpy()
    p[..., 0] = np.sqrt(np.square(p[..., 1:]).sum(axis=2) + np.square(MASSES))
    return p


def write(path: Path, *, whole: bool, metadata: dict[str, object], drop: str = "") -> Path:
    p = some_momenta()
    columns = {
        f"p{leg}_{axis}": p[:, leg, i]
        for leg in range(0 if whole else 2, 5)
        for i, axis in enumerate(("E", "px", "py", "pz"))
        if whole or axis != "E"
    }
    columns |= {"me2": np.arange(1.0, N + 1), "ps": np.full(N, 2.0), "aS": np.full(N, 0.1)}
    columns.pop(drop, None)
    table = pa.table({**columns, "name": ["x"] * N})
    text = {key: json.dumps(value) for key, value in metadata.items()}
    parquet.write_table(table.replace_schema_metadata(text), path)
    return path


def test_all_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", whole=True, metadata={})
    files = TableFiles((path,), alpha_s="aS", weight="ps", pdg=PDG)
    table = read_tables(files, 0.2)
    np.testing.assert_array_equal(table.momenta.numpy(), some_momenta())
    assert table.alpha_s.tolist() == [0.1] * N
    assert table.weight.tolist() == [2.0] * N
    assert table.amplitude.tolist() == [1, 2, 3, 4, 5, 6]
    assert (table.pdg, table.qcd_order, table.n_incoming) == ((PDG,), (3,), 2)


def test_what_metadata_say(tmp_path: Path) -> None:
    known = {"pdg": PDG, "masses": MASSES, "sqrt_s_hat": ENERGY, "alpha_s": 0.118}
    path = write(tmp_path / "a.parquet", whole=False, metadata=known)
    table = read_tables(TableFiles((path,)), 0.2)
    np.testing.assert_allclose(table.momenta.numpy(), some_momenta(), rtol=1e-12, atol=1e-9)
    assert table.alpha_s.tolist() == [0.118] * N
    # Points of one weight.
    np.testing.assert_allclose((table.weight * table.amplitude).numpy(), 1.0)


def test_files_of_several_subprocesses(tmp_path: Path) -> None:
    one = write(tmp_path / "a.parquet", whole=True, metadata={"pdg": PDG})
    two = write(tmp_path / "b.parquet", whole=True, metadata={"pdg": (1, -1, 6, -6, 21)})
    table = read_tables(TableFiles((one, two, one)), 0.118)
    assert table.pdg == (PDG, (1, -1, 6, -6, 21))
    assert table.process.tolist() == [0] * N + [1] * N + [0] * N
    assert table.alpha_s.tolist() == [0.118] * 3 * N


@pytest.mark.parametrize(
    ("whole", "metadata", "drop", "files", "words"),
    [
        (True, {}, "", {}, "no metadata 'pdg'; give points.table.pdg"),
        (True, {"pdg": PDG}, "me2", {}, "no column 'me2'; there are p0_E"),
        (True, {"pdg": PDG}, "", {"weight": "w"}, "no column 'w'"),
        (True, {"pdg": PDG}, "p2_py", {}, "no column 'p2_py'"),
        (False, {"pdg": PDG}, "", {}, "no metadata 'sqrt_s_hat'"),
        (False, {"pdg": PDG, "sqrt_s_hat": 1}, "", {}, "no metadata 'masses'"),
        (False, {"pdg": PDG, "sqrt_s_hat": 1, "masses": [0]}, "", {}, "1 entries for 5 legs"),
        (True, {"pdg": "gg"}, "", {}, "metadata 'pdg' is '\"gg\"', not numbers"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path,
    whole: bool,
    metadata: dict[str, object],
    drop: str,
    files: dict[str, str],
    words: str,
) -> None:
    path = write(tmp_path / "a.parquet", whole=whole, metadata=metadata, drop=drop)
    with pytest.raises(InputError) as caught:
        read_tables(TableFiles((path,), **files), 0.118)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("me2\n1\n")
    for name in (path, tmp_path / "none.parquet"):
        with pytest.raises(InputError, match=name.name):
            read_tables(TableFiles((name,), pdg=PDG), 0.118)
