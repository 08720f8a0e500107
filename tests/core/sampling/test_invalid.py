"""Invalid points: the share that is allowed, and the words that name the first."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.errors import NumericalError
from crosshook.core.sampling.invalid import check_invalid, invalid_notes
from crosshook.core.sampling.sums import Sums


def _sums(bad: int, n: int) -> Sums:
    weight = torch.ones(n, dtype=torch.float64)
    weight[:bad] = torch.nan
    return Sums.of(torch.zeros(n, dtype=torch.int64), weight, 1)


def test_the_allowed_share() -> None:
    check_invalid(_sums(0, 100), 0.0, "")
    check_invalid(_sums(3, 100), 0.03, "here")
    with pytest.raises(NumericalError) as caught:
        check_invalid(_sums(4, 100), 0.03, "here")
    assert str(caught.value) == (
        "4 of 100 points have NaN or infinite weight "
        "(allowed by max_invalid_fraction: 0.03); the first: here"
    )


def test_one_point_is_no_share() -> None:
    """Of 100 points one is more than the allowed 10⁻⁵, and no sign of more; two are."""
    check_invalid(_sums(1, 100), 1e-5, "here")
    with pytest.raises(NumericalError, match="2 of 100 points"):
        check_invalid(_sums(2, 100), 1e-5, "here")
    with pytest.raises(NumericalError, match="1 of 100 points"):
        check_invalid(_sums(1, 100), 0.0, "here")


def test_notes() -> None:
    assert invalid_notes(_sums(0, 10), "") == ()
    assert invalid_notes(_sums(2, 10), "there") == (
        "2 of 10 points had NaN or infinite weight and were left out; the first: there",
    )
