"""Surrogates as libraries that speak UMAMI: the same |M|², rows, statuses, cross section."""

from __future__ import annotations

import ctypes
import math
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.context import BuildContext
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process
from crosshook.core.surrogates.c_library import compiled
from crosshook.core.surrogates.models import surrogate_context
from crosshook.core.surrogates.training_set import AmplitudeTable
from crosshook.core.testkit.amplitude_surrogate import momenta
from tests.plugins.surrogate.conftest import SEED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.interfaces.process import Process
    from crosshook.core.surrogates.c_library import CSource
    from crosshook.plugins.surrogate.invariants import InvariantsSurrogate

    Fit = Callable[..., InvariantsSurrogate]
    Split = tuple[AmplitudeTable, AmplitudeTable]

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None and shutil.which("gcc") is None, reason="no C compiler"
)

FLOAT32 = 1e-4
"""What float32 leaves in torch: 6e-8 of logarithms up to 35, times slopes up to some tens."""
FLOAT64 = 1e-11
"""The same in float64, 2e-16 for 6e-8, with room for the sums of logarithms."""
SMALL = {"epochs": 3, "hidden": 9, "depth": 2}
ROWS, OFFSET, COUNT = 50, 3, 44
"""Of a call for some rows of an array; the last block of the library is not full."""


@pytest.fixture(scope="module")
def several(five_gluons: Split, fit: Fit) -> tuple[InvariantsSurrogate, AmplitudeTable]:
    """Two subprocesses of other symmetries, ansatz and power of α_s, in float64; points held out."""
    train, test = (
        replace(
            table,
            process=torch.arange(len(table)) % 2,
            alpha_s=torch.linspace(0.1, 0.15, len(table), dtype=torch.float64),
            pdg=((21, 21, 21, 21, 21), (2, 21, 2, 21, 22)),
            qcd_order=(3, 2),
        )
        for table in five_gluons
    )
    return fit(train.select(slice(0, 1000)), precision="float64", **SMALL), test


def amplitudes(path: Path, table: AmplitudeTable) -> torch.Tensor:
    """|M|² of a library through the process `umami`; flavours as the table's subprocesses."""
    several = len(table.pdg) > 1
    options = {
        "subprocesses": [
            {"library": str(path), "pdg": [22] * 5, **({"flavor_index": q} if several else {})}
            for q in range(len(table.pdg))
        ]
    }
    slot = {"use": "umami", "options": options}
    process = default_registry().build("process", slot, BuildContext())
    element = cast("Process", process).matrix_element()
    every = [element.squared(table.momenta, q, table.alpha_s).value for q in range(len(table.pdg))]
    return torch.stack(every, dim=1).gather(1, table.process[:, None])[:, 0]


def test_points_held_out(trained: InvariantsSurrogate, five_gluons: Split, tmp_path: Path) -> None:
    table, path = five_gluons[1], tmp_path / "libfive.so"
    points, difference = compiled(trained, path, 7)
    assert points == 64
    assert difference < FLOAT32
    wanted = trained.predict(table.momenta, table.process, table.alpha_s).log_abs
    assert (amplitudes(path, table).log() - wanted).abs().max() < FLOAT32


def test_several_subprocesses_in_float64(
    several: tuple[InvariantsSurrogate, AmplitudeTable], tmp_path: Path
) -> None:
    surrogate, table = several
    path = tmp_path / "libtwo.so"
    assert compiled(surrogate, path, 7)[1] < FLOAT64
    wanted = surrogate.predict(table.momenta, table.process, table.alpha_s).log_abs
    assert (amplitudes(path, table).log() - wanted).abs().max() < FLOAT64
    _check_the_calls(path, table.select(slice(0, ROWS)), wanted[:ROWS].exp())


def _check_the_calls(path: Path, table: AmplitudeTable, wanted: torch.Tensor) -> None:
    """Some rows of an array as a program in C asks for them, and what is refused."""
    library = ctypes.CDLL(str(path))
    rows = table.momenta.permute(2, 1, 0).contiguous()
    flavour, result = table.process.to(torch.int32), torch.full((ROWS,), -1.0).double()
    given = {0: rows, 1: table.alpha_s, 2: flavour}

    def call(inputs: dict[int, torch.Tensor], output: int = 0) -> int:
        n, size = len(inputs), ctypes.c_size_t
        keys = (ctypes.c_int * n)(*inputs)
        places = (ctypes.c_void_p * n)(*(column.data_ptr() for column in inputs.values()))
        out_keys = (ctypes.c_int * 1)(output)
        out = (ctypes.c_void_p * 1)(result.data_ptr())
        numbers = (size(COUNT), size(ROWS), size(OFFSET))
        found: int = library.umami_matrix_element(
            None, *numbers, size(n), keys, places, size(1), out_keys, out
        )
        return found

    assert call({0: rows, 1: table.alpha_s}) == 7  # MISSING_INPUT
    assert call({**given, 3: table.alpha_s}) == 3  # UNSUPPORTED_INPUT
    assert call(given, output=1) == 4  # UNSUPPORTED_OUTPUT
    assert call({**given, 2: flavour + 1}) == 1  # ERROR
    assert (result == -1).all()
    assert call(given) == 0
    asked = slice(OFFSET, OFFSET + COUNT)
    torch.testing.assert_close(result[asked], wanted[asked], rtol=FLOAT64, atol=0)
    assert (result[:OFFSET] == -1).all()
    assert (result[OFFSET + COUNT :] == -1).all()


def test_the_cross_section_of_a_run(fit: Fit, tmp_path: Path) -> None:
    """e+e- → µ+µ- by a library without α_s: σ of the process is ∫ |M|² of the surrogate d cos θ.

    σ = ∫ |M|² d cos θ/(32π s); both on the same even grid, so that they agree up to rounding.
    """
    made = default_registry().build("process", "ee-mumu", surrogate_context(0))
    p = momenta(1500, 4, torch_generator(SEED, "tests/muons"))
    zero, one = torch.zeros(1500, dtype=torch.int64), torch.ones(1500, dtype=torch.float64)
    value = cast("Process", made).matrix_element().squared(p, 0, one).value
    pdg = (-11, 11, -13, 13)
    table = AmplitudeTable(p, zero, one, value, one, (pdg,), (0,))
    surrogate = fit(table, ansatz="none", precision="float64", **SMALL)
    path = tmp_path / "libmu.so"
    compiled(surrogate, path, 7)

    registry, energy = default_registry(), 1000.0
    document = {
        "process": {"umami": {"subprocesses": [{"library": str(path), "pdg": list(pdg)}]}},
        "beams": {"energy": energy},
    }
    process = build_process(resolve(document, "run.yaml", registry), registry)
    u = torch.full((2000, process.n_dim), 0.5, dtype=torch.float64)
    u[:, 0] = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    found = float(process.evaluate(u, torch.zeros(2000, dtype=torch.int64)).value.mean())

    nodes = 2 * u[:, 0] - 1
    half, none = torch.full_like(nodes, energy / 2), torch.zeros_like(nodes)
    x, z = half * (1 - nodes**2).sqrt(), half * nodes
    legs = [(half, none, none, half), (half, none, none, -half), (half, x, none, z)]
    legs.append((half, -x, none, -z))
    points = torch.stack([torch.stack(leg, dim=1) for leg in legs], dim=1)
    predicted = surrogate.predict(points, none.long(), torch.ones_like(nodes)).log_abs.exp()
    sigma = 2 * float(predicted.mean()) / (32 * math.pi * energy**2) * PICOBARN_GEV2
    assert found == pytest.approx(sigma, rel=1e-9)


def test_a_library_that_differs_is_seen(
    trained: InvariantsSurrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = trained.c_source()
    header = source.texts["surrogate.h"].replace("#define DIMENSION -1", "#define DIMENSION -2")
    texts = {**source.texts, "surrogate.h": header}
    assert texts != source.texts
    wrong: CSource = replace(source, texts=texts)
    monkeypatch.setattr(trained, "c_source", lambda: wrong)
    # log ŝ at 1 TeV
    assert compiled(trained, tmp_path / "x.so", 7)[1] == pytest.approx(math.log(1e6), rel=1e-4)


def test_what_no_reader_takes(five_gluons: Split, fit: Fit, tmp_path: Path) -> None:
    table = five_gluons[0].select(slice(0, 200))
    negative = fit(replace(table, amplitude=-table.amplitude), **SMALL)
    with pytest.raises(ConfigurationError, match=r"x\.so: \|M\|² < 0"):
        compiled(negative, tmp_path / "x.so", 7)
    with pytest.raises(ConfigurationError, match="no c_source"):
        compiled(cast("InvariantsSurrogate", object()), tmp_path / "x.so", 7)
    assert not (tmp_path / "x.so").exists()
