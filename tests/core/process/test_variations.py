"""Scale and density variations against the toy's densities and coupling written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.process.variations import (
    SEVEN_POINT,
    plan_variations,
    variation_factors,
    weight_groups,
)


def test_the_plan(compose: Any) -> None:
    plan = plan_variations(compose(), scales=True, pdf=True)
    assert [(v.k_r, v.k_f) for v in plan[:7]] == list(SEVEN_POINT)
    assert SEVEN_POINT[0] == (1.0, 1.0)
    assert len(set(SEVEN_POINT)) == 7
    assert {k_r / k_f for k_r, k_f in SEVEN_POINT} <= {0.5, 1.0, 2.0}
    assert [v.member for v in plan[7:]] == [0, 1, 2]
    assert [v.weight.id for v in plan] == [
        *(str(1001 + i) for i in range(7)),
        *(str(2001 + i) for i in range(3)),
    ]
    assert plan[1].weight.attributes == {"MUR": "2.0", "MUF": "1.0"}
    assert plan[8].weight.attributes == {"PDF": "901"}
    assert weight_groups(compose(), plan) == {
        "scale_variation": {"name": "scale_variation", "combine": "envelope"},
        "pdf_variation": {"name": "Toy", "combine": "replicas"},
    }


def test_no_plan(compose: Any, cube: Any) -> None:
    process = compose()
    assert plan_variations(process, scales=False, pdf=False) == ()
    assert weight_groups(process, ()) == {}
    points = process.evaluate_points(*cube(4, 4, 2)).points
    assert variation_factors(process, points, torch.zeros(4).long(), ()).shape == (4, 0)


def test_factors(compose: Any, cube: Any) -> None:
    """Gluons: f ∝ μ_F each, α_s² with α_s ∝ 1/μ_R; quarks: f free of μ_F, α_s once.

    Every density and the coupling of member k are 1 + k times those of member 0.
    """
    process = compose()
    points = process.evaluate_points(*cube(60, 4, 2)).points
    chosen = torch.arange(60) % 3
    plan = plan_variations(process, scales=True, pdf=True)
    found = variation_factors(process, points, chosen, plan)
    for column, (k_r, k_f) in enumerate(SEVEN_POINT):
        expected = torch.where(
            chosen == 0, torch.tensor(k_f**2 / k_r**2), torch.tensor(1 / k_r)
        ).double()
        torch.testing.assert_close(found[:, column], expected, rtol=1e-12, atol=0)
    for member in range(3):
        column = found[:, 7 + member]
        powers = torch.where(chosen == 0, 4.0, 3.0).double()
        torch.testing.assert_close(column, (1.0 + member) ** powers)
    assert (found[:, 0] == 1).all()


def test_average_over_flavours_is_the_ratio_of_sums(compose: Any, cube: Any) -> None:
    process = compose()
    doubled = compose(scales=("2*m", "m"))
    u, channel = cube(30, 4, 2)
    points = process.evaluate_points(u, channel).points
    varied = doubled.evaluate_points(u, channel).points
    plan = plan_variations(process, scales=True, pdf=False)
    factors = torch.stack(
        [variation_factors(process, points, torch.full((30,), a), plan)[:, 1] for a in range(3)],
        1,
    )
    mean = (factors * points.parts).sum(1) / points.parts.sum(1)
    torch.testing.assert_close(mean, varied.parts.sum(1) / points.parts.sum(1))


def test_members_need_a_set(compose: Any, toy: Any, cube: Any) -> None:
    process = compose(toy.process(fixed=True))
    with pytest.raises(ConfigurationError, match=r"^variations\.pdf: all: the process has no"):
        plan_variations(process, scales=False, pdf=True)
    plan = plan_variations(process, scales=True, pdf=False)
    points = process.evaluate_points(*cube(4, 2, 2)).points
    factors = variation_factors(process, points, torch.zeros(4).long(), plan)
    # A constant coupling and no densities: nothing can change.
    assert (factors == 1).all()
