"""Leading colour flows and their shares, against amplitudes that know them."""

from __future__ import annotations

import pytest
import torch

from crosshook.adapters.madgraph.colour_flows import (
    choose_flow,
    colour_lines,
    flow_shares,
    leading_flows,
)
from crosshook.core.context import BuildContext
from crosshook.core.process.self_test import generic_points
from crosshook.core.registry import default_registry

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("pdg", "flows"),
    [
        ((-11, 11, -13, 13), 1),
        ((21, 21, 6, -6), 2),
        ((21, 21, 6, -6, 21), 6),
        ((21, 21, 6, -6, 21, 21), 24),
        ((21, 2, -11, 11, 2), 1),
        ((2, -2, 6, -6), 1),
        ((21, 2, 6, -6, 2), 2),
        ((21, 21, 21, 21), 6),
        ((21, 21, 21, 21, 21), 24),
        ((2, -2, 2, -2), 0),
        ((2, 2, 2, 2), 0),
        ((2, 3, 2, 3), 1),
    ],
)
def test_numbers_of_leading_flows(pdg: tuple[int, ...], flows: int) -> None:
    """With n gluons and one quark line n!, between gluons (n - 1)!, between two lines once each."""
    found = leading_flows(pdg, 2)
    assert len(set(found)) == len(found) == flows


def test_quarks_of_different_lines_are_joined() -> None:
    (flow,) = leading_flows((2, -2, 6, -6), 2)
    assert {frozenset(pair) for pair in colour_lines(flow)} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }


@pytest.mark.parametrize(
    ("process", "options", "masses"),
    [("pp-ttbar", {}, (0.0, 0.0, 173.0, 173.0)), ("n-gluon", {"gluons": 3}, (0.0,) * 5)],
)
def test_shares_are_exact_where_that_is_claimed(
    process: str, options: dict[str, object], masses: tuple[float, ...]
) -> None:
    """gg -> tt~, and Parke-Taylor: five gluons."""
    registry = default_registry()
    slot = {"use": process, "options": options}
    amplitudes = registry.build(
        "process", slot, BuildContext(registry=registry), "process"
    ).matrix_element()  # type: ignore[attr-defined]
    momenta = generic_points(masses, 1000.0, 2, CPU)
    alpha_s = torch.full((len(momenta),), 0.118, dtype=torch.float64)
    weights = amplitudes.squared(momenta, 0, alpha_s, want=("colour",)).colour
    flows = amplitudes.subprocesses[0].colour_flows
    pdg = amplitudes.subprocesses[0].pdg
    lines = {frozenset(map(frozenset, colour_lines(flow))) for flow in flows}
    assert lines <= {frozenset(map(frozenset, colour_lines(f))) for f in leading_flows(pdg, 2)}
    exact = weights / weights.sum(1, keepdim=True)
    # rounding, enlarged by cancellation in the products of momenta
    assert torch.allclose(flow_shares(momenta, flows), exact, rtol=0, atol=1e-9)


def test_flows_are_chosen_by_their_shares() -> None:
    """Uniform numbers on a grid: each flow as often as its share says, to one grid step."""
    flows = leading_flows((21, 21, 6, -6), 2)
    point = generic_points((0.0, 0.0, 173.0, 173.0), 1000.0, 2, CPU)[:1]
    n = 1000
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    chosen = choose_flow(point.expand(n, -1, -1), flows, uniform)
    share = flow_shares(point, flows)[0]
    assert abs(float((chosen == 0).double().mean() - share[0])) <= 1 / n
