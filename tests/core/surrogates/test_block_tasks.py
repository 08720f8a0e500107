"""Training points by workers: the rows of one process to the last bit, and blocks that are there stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.execute import SerialExecutor
from crosshook.core.progress import Silent
from crosshook.core.surrogates import block_tasks
from crosshook.core.surrogates.checkpoints import SurrogateCheckpoints
from crosshook.core.surrogates.points import gather_points
from crosshook.core.surrogates.run_file import load_surrogate_file
from crosshook.core.surrogates.training import train_from, train_surrogate, unfinished_training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.execute import Task
    from crosshook.core.surrogates.training_set import AmplitudeTable

EVENTS = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
TOPS = """
process: pp-ttbar
beams: {energy: 13000, pdf: ToyLH_LO}
cuts: {pt_min: 60}
sampling: {evaluations: 3000}
points: {draw: 4001}
block_size: 500
surrogate: {use: invariants, options: {hidden: 8, depth: 1, epochs: 1}}
output: {report: none}
"""
"""Two amplitudes, one of them with its legs exchanged: three rows a point, and not all are inside."""


class Several(SerialExecutor):
    """As many workers as it is told: what they have at a time ends in reverse order."""

    def __init__(self, workers: int, stop_after: int = 1000) -> None:
        super().__init__()
        self.tasks: list[Task] = []
        self._workers, self._left = workers, stop_after

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        super().submit(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        waiting = list(self._waiting)
        self._waiting.clear()
        for start in range(0, len(waiting), self._workers):
            self._waiting.extend(reversed(waiting[start : start + self._workers]))
            for done in super().as_completed():
                yield done
                self._left -= 1
                if not self._left:
                    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small training."""
    path = tmp_path_factory.mktemp("tops") / "tops.yaml"
    path.write_text(TOPS, "utf-8")
    return path


@pytest.fixture(scope="module")
def alone(run_file: Path) -> AmplitudeTable:
    """The points as one process gives them."""
    return gather_points(load_surrogate_file(run_file), Silent()).table


def _same(one: AmplitudeTable, two: AmplitudeTable) -> bool:
    columns = two.columns()
    return all(torch.equal(column, columns[name]) for name, column in one.columns().items())


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_workers_give_the_same_rows(
    run_file: Path, alone: AmplitudeTable, tmp_path: Path, workers: int
) -> None:
    executor = Several(workers)
    config = load_surrogate_file(run_file)
    found = gather_points(config, Silent(), tmp_path, executor).table
    assert len(found) == 4001
    assert _same(found, alone)
    blocks = [task.number for task in executor.tasks]
    # Whole blocks as long as they are needed; the last one has what is missing.
    assert blocks == list(range(len(blocks)))
    assert executor.tasks[0].arguments["most"] is None
    assert executor.tasks[-1].arguments["most"] is not None


def test_blocks_that_turn_out_not_to_be_needed(
    run_file: Path, alone: AmplitudeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last block is computed again where it was thought to be needed whole."""
    monkeypatch.setattr(block_tasks, "_whole", lambda *_: 3)
    executor = Several(2)
    config = load_surrogate_file(run_file)
    assert _same(gather_points(config, Silent(), tmp_path, executor).table, alone)
    last = executor.tasks[-1]
    assert last.arguments["most"] is not None
    assert [task.number for task in executor.tasks].count(last.number) == 2


def test_processes_of_this_machine(run_file: Path, alone: AmplitudeTable, tmp_path: Path) -> None:
    config = load_surrogate_file(run_file, workers=2)
    assert "executor" not in config.document
    assert _same(gather_points(config, Silent(), tmp_path).table, alone)


def test_a_training_that_was_stopped_keeps_its_blocks(run_file: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_surrogate(run_file, output=tmp_path / "run", executor=Several(1, stop_after=2))
    drawing = SurrogateCheckpoints(tmp_path / "run" / "checkpoints").drawing
    assert len(list(drawing.glob("rows-*"))) == 2
    again = Several(2)
    config = unfinished_training(tmp_path / "run")
    train_from(config, resumed=True, executor=again)
    assert again.tasks[0].number == 2
    assert not drawing.exists()
    train_surrogate(run_file, output=tmp_path / "alone")
    model = "model/model.safetensors"
    assert (tmp_path / "run" / model).read_bytes() == (tmp_path / "alone" / model).read_bytes()


def test_points_of_events(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"
    path.write_text(f"process: ee-mumu\npoints: {{events: '{EVENTS}'}}\n", "utf-8")
    config = load_surrogate_file(path)
    alone = gather_points(config, Silent()).table
    found = gather_points(config, Silent(), tmp_path / "drawing", Several(2)).table
    assert len(found) > 10
    assert _same(found, alone)
    assert (found.pdg, found.qcd_order, found.n_incoming) == (alone.pdg, alone.qcd_order, 2)
    assert not list((tmp_path / "drawing").iterdir())
