"""The kit itself: its tables, its documentation and its tools."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.errors import ConfigurationError, RegistryError
from crosshook.core.interfaces.training import Budget
from crosshook.core.testkit import KITS, checks_for, parametrize_with_checks, run_checks
from crosshook.core.testkit.explain import explain, explanations
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.jacobian import log_determinant
from crosshook.core.testkit.problem import ProblemSource, value

EXPLANATIONS = {each.anchor: each for each in explanations()}


@pytest.mark.parametrize("interface", KITS)
def test_every_check_states_its_law_and_is_documented(interface: str) -> None:
    """Its section has the law as the code states it, what it catches, and how to find the mistake."""
    checks = checks_for(interface)
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        section = EXPLANATIONS[check.anchor]
        assert section.law == check.law
        assert len(check.law) > 20
        caught, found = section.paragraphs[-2:]
        assert caught.startswith("**Catches.** ")
        assert found.startswith("**To find it.** ")
        assert min(len(caught), len(found)) > 30


def test_no_check_is_documented_that_is_not_there() -> None:
    assert set(EXPLANATIONS) == {check.anchor for kit in KITS for check in checks_for(kit)}


def test_a_section_is_explained_without_marks_of_the_page() -> None:
    (mapping, transfer) = explain("density_is_normalised")
    assert (mapping.interface, transfer.interface) == ("channel_mapping", "transfer_function")
    assert explain("density_is_normalised", "transfer_function") == [transfer]
    assert explain("repeatable", "executor") == explain("repeatable")
    (each,) = explain("momentum_adds_up")
    text = each.text()
    assert text.startswith("momentum_adds_up (parton_density)\n\nLaw. ")
    assert "\n\nCatches. f for x·f" in text
    assert "no smaller case by nature" in text
    assert "**" not in text


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(RegistryError, match="did you mean repeatable"):
        explain("repeatible")
    with pytest.raises(RegistryError, match=r"no check of executor .* did you mean repeatable"):
        explain("repeatible", "executor")


def test_unknown_interface_is_refused() -> None:
    with pytest.raises(RegistryError, match="no conformance checks for 'command'"):
        checks_for("command")


def test_mistakes_of_the_caller_are_errors_not_findings() -> None:
    with pytest.raises(ConfigurationError, match=r"vegas\.options\.bins"):
        run_checks("vegas", options={"bins": 0})
    with pytest.raises(RegistryError, match="does not run on 'tpu'"):
        run_checks("vegas", device="tpu")


def test_options_reach_the_component() -> None:
    assert run_checks("vegas", options={"bins": 3}, tolerance=1e-8) == []


def test_one_pytest_item_per_check() -> None:
    mark = parametrize_with_checks("channel_weights", "prior")
    names = [item.id for item in mark.args[1]]
    assert names == [f"prior-{check.name}" for check in checks_for("channel_weights")]


def test_finding_prints_what_a_person_needs() -> None:
    finding = Finding("off by 2", "d=1", "row 3", check="some_law", law="x = y")
    assert str(finding).splitlines() == [
        "some_law: off by 2",
        "  case:  d=1",
        "  input: row 3",
        "  law: x = y",
    ]


def bend(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([x[:, 0] ** 3 + 0.1 * x[:, 1], x[:, 1] * (1 + x[:, 0])], dim=1)


def test_jacobians_agree_with_the_closed_form() -> None:
    x = 0.1 + 0.8 * torch.rand((50, 2), generator=torch.Generator().manual_seed(2)).double()
    exact = (3 * x[:, 0] ** 2 * (1 + x[:, 0]) - 0.1 * x[:, 1]).abs().log()
    by_autograd = log_determinant(bend, x, analytic=True)
    assert torch.allclose(by_autograd.value, exact, rtol=0, atol=1e-13)
    found = log_determinant(bend, x, analytic=False)
    assert bool(found.certain.all())
    assert bool(((found.value - exact).abs() <= found.uncertainty + 1e-9).all())


def test_a_kink_is_not_taken_for_a_slope() -> None:
    """At a kink all central differences agree on the mean of two slopes, which is wrong."""

    def kinked(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x < 0.5, x, 0.5 + 3.0 * (x - 0.5))

    x = torch.tensor([[0.2], [0.5 + 1e-13], [0.8]], dtype=torch.float64)
    found = log_determinant(kinked, x, analytic=False)
    assert found.certain.tolist() == [True, False, True]


def test_problem_does_not_factorise_and_has_zeros() -> None:
    corners = torch.tensor([[0.25, 0.25], [0.25, 0.7], [0.95, 0.95]], dtype=torch.float64)
    peak, off, cut = value(corners).tolist()
    assert peak > 10 * off > 0
    assert cut == 0.0


def test_source_counts_and_closes_the_last_channel() -> None:
    source = ProblemSource(2, 3, torch.Generator().manual_seed(1), "cpu", features=2)
    draw = source.draw(Budget(300).evaluations)
    assert source.evaluations == 300
    assert bool((draw.weight[draw.channel == 2] == 0).all())
    assert bool((draw.weight[draw.channel != 2] > 0).any())
    assert draw.features is not None
    assert draw.features.shape == (300, 2)
