"""Workers of a cluster are asked before a run begins, and one that cannot serve it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from crosshook.core.errors import ExecutionError, OutputError
from crosshook.plugins.execution.probe import check_workers, packages, probe

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client


class Cluster:
    """One worker that answers as it is told, or looks for itself."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer

    def run(self, _: object, path: str, home: str, on_error: str) -> dict[str, object]:
        assert on_error == "return"
        return {"tcp://node7:1": self.answer or probe(path, home)}


def check(answer: object, folder: Path, home: Path) -> None:
    check_workers(cast("Client", Cluster(answer)), folder, str(home))


def test_workers_that_cannot_serve(tmp_path: Path) -> None:
    check(None, tmp_path, tmp_path)
    with pytest.raises(ExecutionError, match=r"node7:1 does not see .*/elsewhere: No such file"):
        check(None, tmp_path, tmp_path / "elsewhere")
    with pytest.raises(
        ExecutionError, match=r"node7:1 cannot serve the run: .* named 'crosshook'"
    ):
        check(ModuleNotFoundError("No module named 'crosshook'"), tmp_path, tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        check(None, tmp_path / "elsewhere", tmp_path)
    assert not list(tmp_path.iterdir())


def test_workers_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = packages()
    monkeypatch.setattr("crosshook.plugins.execution.probe.token_hex", lambda _: "token")
    with pytest.raises(ExecutionError, match=r"has torch 1.0, the manager torch [\d.]+"):
        check(("token", {**own, "torch": "1.0"}), tmp_path, tmp_path)
