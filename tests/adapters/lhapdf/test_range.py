"""What happens outside a grid, and with members, sets and files that are not there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crosshook.adapters.lhapdf import LhapdfGrid, make_parton_density
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError, NumericalError

SetWriter = Callable[..., Path]

X = np.geomspace(1e-4, 1.0, 33)
Q = np.geomspace(2.0, 500.0, 200)


def power(x: NDArray[np.float64], q: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Power laws; the second is too small for the continuation to take its logarithm."""
    return [3.0 * x**-0.2 * q**0.3, 1e-6 * (1.0 - np.log(x)), 2.0 + 0.0 * x]


def tensors(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_scales_outside_are_frozen(write_set: SetWriter) -> None:
    density = LhapdfGrid.load(write_set(power, X, [Q]))
    x = tensors(0.1, 0.1)
    torch.testing.assert_close(
        density.xf(x, tensors(0.5, 9e9)), density.xf(x, tensors(2.0, 500.0)), rtol=0, atol=0
    )
    assert float(density.alpha_s(tensors(0.5))) == float(density.alpha_s(tensors(2.0)))
    q = tensors(1.0, 800.0).requires_grad_()
    (slope,) = torch.autograd.grad(density.xf(x, q).sum(), q)
    assert slope.tolist() == [0.0, 0.0]


def test_continuation_follows_power_laws(write_set: SetWriter) -> None:
    """Below x_min and above q_max a power law goes on; below q_min the rule of LHAPDF."""
    density = LhapdfGrid.load(write_set(power, X, [Q]), below_q_min="continuation")
    x, q = tensors(1e-6, X[20], 1e-7, 1e-5), tensors(20.0, 3e3, 1e4, 500.0)
    # x on a knot; interpolation in log Q leaves (0.3 d)³/100 of d = log(250)/199, below 1e-8
    np.testing.assert_allclose(
        density.xf(x, q).numpy(), np.stack(power(x.numpy(), q.numpy()), 1), rtol=1e-7
    )

    ratio = 0.7**2
    low = density.xf(tensors(0.01, 1e-6), tensors(0.7 * 2.0, 0.7 * 2.0)).numpy()
    at_edge = np.stack(power(np.array([0.01, 1e-6]), np.array([2.0, 2.0])), 1)
    slope = np.array([[(1.01**0.15 - 1) / 0.01, 0.0, 0.0]] * 2)
    slope[0, 1] = 1.0  # the rule for densities below 1e-5
    expected = at_edge * ratio ** (slope * ratio + 1 - ratio)
    # the one-sided slope of the first cell is off by half its width: 0.15 * log(1.01) relative
    np.testing.assert_allclose(low, expected, rtol=1e-3)


def test_values_out_of_range_are_named(write_set: SetWriter) -> None:
    folder = write_set(power, X, [Q])
    density = LhapdfGrid.load(folder)
    fine = tensors(10.0)
    with pytest.raises(
        NumericalError, match=r"Known: x = 1e-05 \(1 of 2 points\).* 0.0001 to 1; .*continuation"
    ):
        density.xf(tensors(0.1, 1e-5), tensors(10.0, 10.0))
    for x in (1.1, 0.0, -1.0, float("nan")):
        with pytest.raises(NumericalError, match="x = "):
            density.xf(tensors(x), fine)
    for q in (0.0, float("nan"), float("inf") * -1):
        with pytest.raises(NumericalError, match="Q = "):
            density.xf(tensors(0.1), tensors(q))
    with pytest.raises(NumericalError, match="one shape"):
        density.xf(tensors(0.1, 0.2), fine)
    assert density.xf(tensors(1.0 + 1e-13), fine).shape == (1, 3)

    strict = LhapdfGrid.load(folder, below_q_min="error")
    with pytest.raises(NumericalError, match=r"Q = 1\.9 .* 2 to 500"):
        strict.xf(tensors(0.1), tensors(1.9))
    with pytest.raises(NumericalError, match="Q = 501"):
        strict.alpha_s(tensors(501.0))
    with pytest.raises(ConfigurationError, match="'clip' given, one of freeze, continuation"):
        LhapdfGrid.load(folder, below_q_min="clip")  # type: ignore[arg-type]
    with pytest.raises(NumericalError, match=r"x = 1\.5"):
        LhapdfGrid.load(folder, below_q_min="continuation").xf(tensors(1.5), fine)


def test_members(write_set: SetWriter) -> None:
    """Member k was written as (k + 1) times the first; a component may be built for any."""
    folder = write_set(power, X, [Q], members=3)
    density = LhapdfGrid.load(folder)
    x, q = tensors(0.1), tensors(10.0)
    torch.testing.assert_close(density.xf(x, q, member=2), 3.0 * density.xf(x, q))
    context = BuildContext()
    built = make_parton_density(context, set=str(folder), member=1, below_q_min="freeze")
    torch.testing.assert_close(built.xf(x, q), 2.0 * density.xf(x, q))
    assert (built.name, built.set_index, built.n_members) == ("Known", 7, 3)
    assert (built.flavours, built.error_type) == ((-1, 21, 1), "replicas")
    (folder / "Known_0001.dat").unlink()
    for missing in (1, 3, -1):
        with pytest.raises(ConfigurationError, match=rf"member {missing} .* 3 members, .* 0, 2"):
            density.xf(x, q, member=missing)


def test_sets_are_found(write_set: SetWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_set(power, X, [Q])
    monkeypatch.setenv("LHAPDF_DATA_PATH", f"{folder.parent / 'none'}:{folder.parent}")
    for given in ("Known", folder, str(folder / "Known.info")):
        assert LhapdfGrid.load(given).name == "Known"
    with pytest.raises(ConfigurationError, match=r"'Knwon': not found.*Known, ToyLH_LO") as caught:
        LhapdfGrid.load("Knwon")
    assert str(folder.parent / "none") in str(caught.value)
    with pytest.raises(ConfigurationError, match="looked for its"):
        LhapdfGrid.load(folder.parent / "Other")
    with pytest.raises(ConfigurationError, match="not found"):
        LhapdfGrid.load("")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text[: len(text) // 2], "each closed by a line '---'"),
        (lambda text: text.replace("-1 21 1", "-1 21 1 2", 1), "values found, 33 x knots times"),
        (lambda text: text.replace("-1 21 1", "-1 glue 1", 1), "numbers expected"),
        (lambda text: text.replace("0.0001 ", "0.9 ", 1), "ascending order"),
        (
            lambda text: text + text.split("---\n", 1)[1],
            "starts at Q = 2 GeV, the one before ends",
        ),
        (lambda text: "\n".join(text.split("\n")[:3]) + "\n1 2\n---\n", "x knots, Q knots"),
    ],
)
def test_broken_grids_are_named(
    write_set: SetWriter, damage: Callable[[str], str], complaint: str
) -> None:
    folder = write_set(power, X, [Q])
    file = folder / "Known_0000.dat"
    file.write_text(damage(file.read_text()))
    with pytest.raises(InputError, match=complaint) as caught:
        LhapdfGrid.load(folder)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("info", "complaint"),
    [
        ("AlphaS_Qs: [1, 2]\n", "two ascending lists|a list of numbers"),
        ("AlphaS_Qs: [2, 1]\nAlphaS_Vals: [0.1, 0.2]\n", "two ascending lists"),
        ("AlphaS_Qs: [a, b]\nAlphaS_Vals: [0.1, 0.2]\n", "AlphaS_Qs: a list of numbers"),
        ("AlphaS_Qs: [1, 2]\nAlphaS_Vals: [0.0, 0.2]\n", "positive numbers"),
        ("MZ: 91.2\n", "neither AlphaS_Qs and AlphaS_Vals nor AlphaS_MZ and MZ"),
        ("AlphaS_MZ: strong\nMZ: 91.2\n", "AlphaS_MZ: a number expected, 'strong' found"),
        ("Format: lhagrid2\n", "'lhagrid1' expected"),
        ("- list\n", "cannot read the set's metadata"),
    ],
)
def test_broken_metadata_are_named(write_set: SetWriter, info: str, complaint: str) -> None:
    folder = write_set(power, X, [Q], info=info)
    with pytest.raises(InputError, match=complaint) as caught:
        LhapdfGrid.load(folder)
    assert "Known.info" in str(caught.value)
