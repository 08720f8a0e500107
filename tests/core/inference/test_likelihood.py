"""Sums of processes, conditions of proposals, and processes as models."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.fiducial import FiducialCrossSection
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.integrals import EventIntegrals
from crosshook.core.inference.likelihood import (
    EventLikelihoods,
    ProcessShare,
    combined,
    log_likelihood,
)
from crosshook.core.inference.model import (
    Parameter,
    check_theta,
    reference_theta,
    theta_of,
)
from crosshook.core.inference.run import negative_densities
from crosshook.core.inference.scattering_model import ScatteringModel
from crosshook.core.interfaces.features import Features
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process


def integrals(value: torch.Tensor) -> EventIntegrals:
    zero = torch.zeros_like(value)
    return EventIntegrals(torch.log(value)[None], zero, zero + 0.5, None, 64)


def test_processes_add_with_their_rates() -> None:
    """p = (μ1 I1 + μ2 I2)/(μ1 σ1 + μ2 σ2), a rate on the grid and one fixed."""
    axes = [
        make_axis(name, 0.5, 2.0, 4, None, nuisance=False, constraint=None, where=name)
        for name in ("m", "rate_b")
    ]
    grid = ParameterGrid(tuple(axes))
    _, index = grid.of(["m"])
    one = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
    two = torch.tensor([[5.0], [0.7]], dtype=torch.float64)
    sigma = torch.tensor([[2.0, 3.0, 4.0, 5.0]], dtype=torch.float64)
    other = torch.tensor([[7.0]], dtype=torch.float64)
    rate = grid.points[:, 1]
    found = combined(
        grid,
        [
            ProcessShare(
                "s",
                integrals(one),
                FiducialCrossSection(sigma, sigma.repeat(8, 1)),
                index,
                torch.full_like(rate, math.log(1.5)),
            ),
            ProcessShare(
                "b",
                integrals(two),
                FiducialCrossSection(other, other.repeat(8, 1)),
                torch.zeros_like(index),
                torch.log(rate),
            ),
        ],
    )
    above = 1.5 * one[:, index] + rate * two
    below = 1.5 * sigma[0, index] + rate * 7.0
    assert torch.allclose(found.nominal, torch.log(above / below))
    assert found.cross_section is not None
    assert torch.allclose(found.cross_section[0], below)


def test_the_logarithm_of_a_sum_is_corrected_by_its_own_variance() -> None:
    axis = make_axis("m", 0.0, 1.0, 4, None, nuisance=False, constraint=None, where="m")
    grid = ParameterGrid((axis,))
    value, flat = torch.ones((1, 4), dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    one = replace(integrals(value), relative_error=0.2 * value)
    section = FiducialCrossSection(flat[None], flat.repeat(8, 1))
    index = torch.arange(4)
    shares = [ProcessShare(name, one, section, index, 0 * flat) for name in ("a", "b")]
    found = combined(grid, shares)
    # two halves of error 0.2 make a whole of error 0.2/√2
    assert torch.allclose(found.relative_error.square(), 0.02 * value)
    assert torch.allclose(found.nominal, 0.01 * value)


def test_the_error_of_the_cross_section_in_an_extended_likelihood() -> None:
    """n log σ drops out of Σ log p + n log(Lσ) − Lσ: the error is that of Lσ, here none."""
    axis = make_axis("m", 0.0, 1.0, 4, None, nuisance=False, constraint=None, where="m")
    grid = ParameterGrid((axis,))
    log_p = torch.zeros((1, 5, 4), dtype=torch.float64)
    nets = torch.tensor([[1.0, 2.0, 3.0, 4.0], [1.1, 2.1, 3.1, 4.1]], dtype=torch.float64)
    zero = torch.zeros_like(log_p[0])
    events = EventLikelihoods(grid, log_p, nets.mean(dim=0)[None], nets, zero, zero + 1)
    assert float(log_likelihood(events).cross_section_error.max()) > 0.01
    extended = log_likelihood(events, luminosity=2.0).cross_section_error
    assert torch.allclose(extended, torch.zeros_like(extended), atol=1e-12)


def test_an_event_that_nothing_explains(toy: Any) -> None:
    value = torch.ones((3, len(toy.grid)), dtype=torch.float64)
    value[1] = 0.0
    sigma = torch.ones((1, len(toy.grid)), dtype=torch.float64)
    index = torch.arange(len(toy.grid))
    share = ProcessShare(
        "toy",
        integrals(value),
        FiducialCrossSection(sigma, sigma.repeat(8, 1)),
        index,
        torch.zeros(len(toy.grid)),
    )
    with pytest.raises(NumericalError, match=r"1 of 3 have density 0 .* the first is event 1"):
        combined(toy.grid, [share])


def test_conditions_see_objects_in_any_order() -> None:
    rng = torch.Generator().manual_seed(1)
    values = torch.randn((50, 3, 2), generator=rng, dtype=torch.float64)
    mask = torch.rand((50, 3), generator=rng) < 0.6
    values[~mask] = math.nan  # what is masked means nothing
    dense = torch.randn((50, 2), generator=rng, dtype=torch.float64)

    def features(order: list[int]) -> Features:
        sets = {"jets": (values[:, order], mask[:, order])}
        return Features(
            dense, ("x", "phi"), ("", "rad"), sets, {"jets": ("pt", "phi")}, {"jets": ("", "rad")}
        )

    made = Conditions.of(features([0, 1, 2]), (), None)
    told = made(features([0, 1, 2]))
    assert told.shape == (50, made.size)
    assert bool(told.isfinite().all())
    assert torch.equal(told, made(features([2, 0, 1])))
    assert torch.equal(told, Conditions.from_json(made.as_json())(features([0, 1, 2])))
    again = Features(dense + torch.tensor([0.0, 2 * math.pi]), ("x", "phi"), ("", "rad"))
    plain = Conditions.of(again, (), None)
    assert torch.allclose(plain(again), plain(Features(dense, ("x", "phi"), ("", "rad"))))


def test_values_that_a_model_does_not_have(toy: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"at: alpha = 4 is outside of toy, .* 0 to 3.14"):
        theta_of(toy.model, {"alpha": 4.0}, "at")
    with pytest.raises(
        ConfigurationError, match=r"at.beta: toy has no parameter 'beta'; it has al"
    ):
        theta_of(toy.model, {"beta": 4.0}, "at")
    with pytest.raises(ConfigurationError, match=r"2 values; toy has the parameters alpha"):
        check_theta(toy.model, torch.zeros((1, 2)), "at")


def ee_mumu(sin2: float | None = None) -> ScatteringModel:
    document: dict[str, object] = {"process": "ee-mumu", "beams": {"energy": 91.0}}
    if sin2 is not None:
        document["process"] = {"use": "ee-mumu", "options": {"sin2_theta_w": sin2}}
    registry = default_registry()
    config = resolve({**document, "generate": None}, "run.yaml", registry)
    truth = {"cos": "pt[0] / e[0]", "phi": "phi[0]"}
    ranges = {"sin2_theta_w": (0.1, 0.4)}
    return ScatteringModel(build_process(config, registry), truth, ranges, {}, 0, 3)


def test_negative_densities_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ee_mumu()
    element = model._process.matrix_element
    plain = element.squared

    def squared(momenta: torch.Tensor, *rest: Any, **more: Any) -> Any:
        found = plain(momenta, *rest, **more)
        sign = torch.where(torch.arange(len(momenta)) < 10, -1.0, 1.0)
        return replace(found, value=found.value * sign)

    monkeypatch.setattr(element, "squared", squared)
    u = torch.rand((40, model.n_dim), generator=torch.Generator().manual_seed(2))
    points = model.points(u.double())
    assert model.tally.share == 0.0
    found = model.log_density(points, reference_theta(model)[None])
    inside = int(points.inside.sum())
    assert int(torch.isinf(found).sum()) == 10 + len(points) - inside
    assert model.tally.share == 10 / inside
    (note,) = negative_densities({"one": model})
    assert note.startswith(f"{model.name}: {10 / inside:.2g} of the values of dσ were negative")


def test_a_process_at_other_parameters_is_that_process() -> None:
    model, other = ee_mumu(), ee_mumu(0.24)
    u = torch.rand((200, model.n_dim), generator=torch.Generator().manual_seed(2))
    points = model.points(u.double())
    assert points.features.names == ("cos", "phi")
    assert points.features.units == ("", "rad")
    names = [parameter.name for parameter in model.parameters]
    place = names.index("sin2_theta_w")
    assert model.parameters[place] == Parameter(
        "sin2_theta_w", model.parameters[place].reference, 0.1, 0.4
    )
    theta = reference_theta(model).repeat(2, 1)
    theta[1, place] = 0.24
    found = model.log_density(points, theta)
    assert not torch.allclose(found[:, 0], found[:, 1])
    same = other.log_density(other.points(u.double()), reference_theta(other)[None])
    assert torch.allclose(found[:, 1:], same, rtol=0, atol=1e-12)
    section = model.cross_section(theta)
    alone = other.cross_section(reference_theta(other)[None])
    error = float(section.error[1] + alone.error[0])
    assert float(section.value[1]) == pytest.approx(float(alone.value[0]), abs=8 * error)
