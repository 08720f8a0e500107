"""What is exported is compared with the surrogate, and no output that is no number gets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.errors import NumericalError
from crosshook.core.surrogates import export

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.surrogates.export import ExportReport


class Graph(torch.nn.Module):
    """log| |M|² | = 0 with sign 1, and an error as given."""

    def __init__(self, log_std: float) -> None:
        super().__init__()
        self._log_std = log_std

    def forward(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The three outputs."""
        nothing = 0.0 * (momenta.sum((1, 2)) + process + alpha_s)
        return nothing, nothing + 1.0, nothing + self._log_std


class Stub:
    """A surrogate that is one graph."""

    def __init__(self, log_std: float) -> None:
        self._log_std = log_std

    def exportable(self) -> torch.nn.Module:
        """The graph."""
        return Graph(self._log_std)

    def samples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Ten points."""
        return torch.ones((10, 4, 4)), torch.zeros(10, dtype=torch.int64), torch.ones(10)


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], ExportReport]:
    """Exports the stub with a given error."""

    def call(log_std: float) -> ExportReport:
        monkeypatch.setattr(export, "model_folder", lambda path: path)
        monkeypatch.setattr(export, "load_surrogate", lambda path: Stub(log_std))
        return export.export_surrogate(tmp_path, tmp_path / "stub.pt2")

    return call


def test_a_graph_that_gives_the_same(exported: Callable[[float], ExportReport]) -> None:
    report = exported(-1.0)
    assert (report.points, report.largest_difference) == (10, 0.0)


def test_nan_of_the_last_output_is_refused(
    exported: Callable[[float], ExportReport], tmp_path: Path
) -> None:
    with pytest.raises(NumericalError, match="exported results differ by inf"):
        exported(torch.nan)
    assert not list(tmp_path.iterdir())
