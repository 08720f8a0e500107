"""The smallest input: one row where one is enough, simple values where any will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit import checks_for, subject_of
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.shrink import ATTEMPTS, UNIT, with_smallest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.registry import Registry

SEED = 20261122


def numbers(n: int, d: int = 1) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(SEED)
    return {"r": torch.rand((n, d), generator=rng, dtype=torch.float64)}


def found(look: Callable[[Mapping[str, Tensor]], Finding | None], n: int, d: int = 1) -> Finding:
    finding = with_smallest(look, numbers(n, d), {"r": UNIT})
    assert finding is not None
    return finding


def seen(bad: Tensor) -> Finding | None:
    return Finding("bad", f"n={len(bad)}") if bool(bad.any()) else None


def test_one_row_and_the_simplest_value() -> None:
    finding = found(lambda given: seen(given["r"][:, 0] > -1), 1000)
    assert finding.case == "n=1000"
    assert finding.smallest == "n=1; r=[0.5]"


def test_a_value_that_matters_keeps_as_many_digits_as_it_needs() -> None:
    finding = found(lambda given: seen((given["r"][:, 0] - 0.1234).abs() < 0.002), 1000)
    assert finding.smallest in [f"n=1; r=[0.12{digit}]" for digit in "2345"]


def test_each_coordinate_is_simplified_alone() -> None:
    def look(given: Mapping[str, Tensor]) -> Finding | None:
        return seen((given["r"][:, 1] > 0.6) & (given["r"][:, 1] < 0.7))

    assert found(look, 500, d=3).smallest.startswith("n=1; r=[0.5, 0.6")
    assert found(look, 500, d=3).smallest.endswith(", 0.5]")


def test_rows_that_need_each_other_stay_together() -> None:
    """Two rows, one on each side: no half and no single row shows it."""

    def look(given: Mapping[str, Tensor]) -> Finding | None:
        r = given["r"][:, 0]
        return Finding("both", f"n={len(r)}") if bool((r > 0.9).any() & (r < 0.1).any()) else None

    assert found(look, 64).smallest.startswith("n=2; r=[")


def test_another_defect_or_an_error_is_not_taken_for_this_one() -> None:
    def look(given: Mapping[str, Tensor]) -> Finding | None:
        if len(given["r"]) < 3:
            return Finding("of another kind")
        if bool((given["r"] == 0.5).any()):
            raise ArithmeticError
        return Finding("of this kind", f"n={len(given['r'])}")

    assert found(look, 24).smallest.startswith("n=3; ")


def test_the_search_ends() -> None:
    """A defect of the whole batch alone, and one that comes and goes."""
    calls = []

    def whole(given: Mapping[str, Tensor]) -> Finding | None:
        calls.append(1)
        return Finding("whole", "n=500") if len(given["r"]) == 500 else None

    assert found(whole, 500).smallest.endswith(", …]")
    assert len(calls) <= ATTEMPTS + 3

    def once(given: Mapping[str, Tensor]) -> Finding | None:
        calls.append(1)
        return Finding("once") if len(calls) % 2 else None

    calls.clear()
    assert found(once, 8).message == "once"


def test_nothing_wrong_gives_nothing() -> None:
    assert with_smallest(lambda given: None, numbers(5)) is None


class ForgottenFactor:
    """u = r², whose Jacobian lacks the 2 above u = ¼."""

    def __init__(self, context: BuildContext) -> None:
        pass

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        factor = torch.where(r > 0.5, torch.ones_like(r), torch.full_like(r, 2.0))
        return r**2, (factor * r.clamp(min=1e-300)).log().sum(dim=1)

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return u.sqrt(), -(2.0 * u.clamp(min=1e-300).sqrt()).log().sum(dim=1)


def test_a_finding_of_the_kit_has_its_smallest_case(
    registry_of: Callable[..., Registry],
) -> None:
    """By hand: at r = ¾ the Jacobian is 2r = 1.5, log 0.405; the component says log 0.75 = -0.288."""
    registry = registry_of("channel_mapping", ForgottenFactor)
    subject = subject_of("subject", registry)
    (check,) = (c for c in checks_for("channel_mapping") if c.name == "log_det_is_the_jacobian")
    (finding,) = check.outcome(subject).findings
    assert "n=200" in finding.case
    assert finding.smallest == "d=1, k=1, n=1; r=[0.75]; channel=[0]: -0.287682 against 0.405465"
    assert check.anchor == "channel_mapping-log_det_is_the_jacobian"


def test_a_component_that_spoils_its_inputs_spoils_no_smallest_case() -> None:
    def look(given: Mapping[str, Tensor]) -> Finding | None:
        given["r"].mul_(2.0)
        return seen(given["r"][:, 0] > 0.0)

    assert found(look, 100).smallest == "n=1; r=[0.5]"
