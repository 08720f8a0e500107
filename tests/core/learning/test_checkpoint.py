"""Checkpoints of a training: what is kept, what is refused, and the same bits after any of them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import InputError, OutputError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.interfaces.training import Draw
from crosshook.core.learning.buffer import Buffer
from crosshook.core.learning.checkpoint import DOCUMENT, CheckpointFolder
from crosshook.core.learning.settings import learning_settings
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_components, join
from crosshook.core.train import TrainingPlan, train

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

SMALL: dict[str, object] = {"hidden": 6, "bins": 3, "layers": 2, "depth": 1}


class TwoPeaks:
    """Two channels, each with its own peak, and features that tell where a point is."""

    n_dim = 2
    channels = ("low", "high")

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        low, high = (torch.exp(-((u - c) ** 2).sum(1) / 0.02) for c in (0.3, 0.7))
        prior = torch.log(torch.stack([low + 1e-3, high + 1e-3], dim=1))
        prior = prior - torch.logsumexp(prior, dim=1, keepdim=True)
        return Evaluation(low + 0.3 * high, prior, features=u.detach())


class Killed(BaseException):
    """Not an Exception, as nothing may catch it."""


class Mortal(CheckpointFolder):
    """Ends the training after as many checkpoints; None never."""

    lives: int | None = None

    def write(self, *arguments: Any) -> None:
        super().write(*arguments)
        if self.lives is not None:
            self.lives -= 1
            if self.lives == 0:
                raise Killed


def _train(settings: dict[str, object], weights: str, folder: CheckpointFolder | None) -> Any:
    """One life of a training; what it leaves, without times."""
    registry = default_registry()
    options = registry.options("channel_mapping", Slot("flow", SMALL), "test")
    slots = {"channel_mapping": Slot("flow", options), "channel_weights": Slot.parse(weights)}
    slots["channel_weights"] = Slot(
        weights, registry.options("channel_weights", slots["channel_weights"], "test")
    )
    context = BuildContext(
        dimensions=2,
        channels=2,
        features=("x", "y"),
        rng=random.torch_generator(3, "build"),
        registry=registry,
    )
    given = {"rounds": 3, "batch": 64, "passes": 1.0, **settings}
    plan = TrainingPlan(slots, 3000, learning_settings(given), None, 3, 0.0)
    composition = plan.composition(registry)
    parts = build_components(slots, composition, context, registry)
    sampler = join(TwoPeaks(), parts, composition, context)
    result, shares = train(plan, sampler, context, registry, lambda _: None, folder)
    states = [sampler.mapping, sampler.warm, sampler.weights]
    tensors = {
        f"{i}/{name}": tensor.tolist()
        for i, part in enumerate(states)
        if hasattr(part, "state")
        for name, tensor in part.state()[0].items()
    }
    left = {k: v for k, v in asdict(result).items() if k != "seconds"}
    return left, shares.tolist(), sampler.composition, tensors


@pytest.mark.parametrize(
    ("settings", "weights", "checkpoints"),
    [
        ({}, "network", 3 + 1 + 20),
        ({"buffer": 1000, "warm_layer": True}, "prior", 3 + 1 + 20),
        ({"validation": 0.0, "warm_start": None, "explore": 0.0}, "prior", 3 + 20),
    ],
    ids=["joint", "forgetful", "plain"],
)
def test_killed_again_and_again(
    tmp_path: Path, settings: dict[str, object], weights: str, checkpoints: int
) -> None:
    """After each of the first checkpoints, and now and then in the last stage."""
    settings = {"patience": 20, **settings}
    whole = _train(settings, weights, None)
    for lives in (1, 1, 1, 1, 1, 7, 1, 8):
        folder = Mortal(tmp_path, "run")
        folder.lives = lives
        with pytest.raises(Killed):
            _train(settings, weights, folder)
    assert _train(settings, weights, Mortal(tmp_path, "run")) == whole
    files = {path.name for path in tmp_path.iterdir()}
    assert {name for name in files if name.startswith("state-")} == {
        f"state-{checkpoints:04d}.safetensors"
    }


def test_killed_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all of a checkpoint is there, the one before it is."""
    folder = CheckpointFolder(tmp_path, "run")
    folder.write({"a": lambda: {"x": torch.ones(3)}}, {"y": torch.zeros(2)}, {"n": 1})
    before = CheckpointFolder(tmp_path, "run").read()
    assert before is not None
    sync = os.fsync
    for allowed in range(3):
        calls = 0

        def dies(number: int, allowed: int = allowed) -> None:
            nonlocal calls
            calls += 1
            if calls > allowed:
                raise Killed
            sync(number)

        again = CheckpointFolder(tmp_path, "run")
        again.read()
        with monkeypatch.context() as changed:
            changed.setattr(os, "fsync", dies)
            with pytest.raises(Killed):
                again.write(
                    {"a": dict, "b": lambda: {"x": torch.ones(1)}},
                    {"y": torch.ones(2)},
                    {"n": 2},
                )
        found = CheckpointFolder(tmp_path, "run").read()
        assert found is not None
        assert found.values == {"n": 1}
        assert list(found.fixed) == ["a"]
        assert torch.equal(found.fixed["a"]["x"], torch.ones(3))
        assert torch.equal(found.tensors["y"], torch.zeros(2))


def test_what_does_not_change_is_written_once_and_removed_when_forgotten(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, "run")
    asked: list[str] = []

    def make(name: str) -> Any:
        def tensors() -> dict[str, Tensor]:
            asked.append(name)
            return {"x": torch.arange(3)}

        return tensors

    for names in (["a"], ["a", "b"], ["b", "c"]):
        folder.write({name: make(name) for name in names}, {}, {})
    assert asked == ["a", "b", "c"]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {DOCUMENT, "b.safetensors", "c.safetensors", "state-0003.safetensors"}


def test_no_checkpoint(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path / "none", "run").read() is None


def test_damage_is_refused(tmp_path: Path) -> None:
    CheckpointFolder(tmp_path, "run").write({}, {"y": torch.zeros(2)}, {})
    with pytest.raises(InputError, match="belongs to a run with another configuration"):
        CheckpointFolder(tmp_path, "another").read()
    state = tmp_path / "state-0001.safetensors"
    data = state.read_bytes()
    state.write_bytes(data[:-1] + b"\x01")
    with pytest.raises(InputError, match=r"state-0001.safetensors: does not match its checksum"):
        CheckpointFolder(tmp_path, "run").read()
    state.unlink()
    with pytest.raises(InputError, match=r"state-0001.safetensors: No such file"):
        CheckpointFolder(tmp_path, "run").read()
    path = tmp_path / DOCUMENT
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**document, "format": "crosshook-checkpoint/0"}), "utf-8")
    with pytest.raises(InputError, match="this version reads crosshook-checkpoint/1"):
        CheckpointFolder(tmp_path, "run").read()
    path.write_text("{", "utf-8")
    with pytest.raises(InputError, match="no checkpoint: JSONDecodeError"):
        CheckpointFolder(tmp_path, "run").read()


def test_a_checkpoint_of_other_networks(tmp_path: Path) -> None:
    """The run is the same, but its components have changed, as those of a plugin may."""
    folder = Mortal(tmp_path, "run")
    folder.lives = 2
    with pytest.raises(Killed):
        _train({"warm_start": None}, "network", folder)
    with pytest.raises(InputError, match="the checkpoint does not fit: "):
        _train({"warm_start": None}, "prior", Mortal(tmp_path, "run"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/folder: checkpoint cannot be written: Not a dir"):
        CheckpointFolder(tmp_path / "file" / "folder", "run").write({}, {}, {})


def _draw(n: int, seed: int) -> Draw:
    rng = torch.Generator().manual_seed(seed)
    rows = torch.rand((n, 2), generator=rng, dtype=torch.float64)
    one = rows[:, 0]
    return Draw(
        r=rows,
        channel=torch.randint(2, (n,), generator=rng),
        u=rows,
        log_det=torch.log(one),
        value=one,
        weight=one,
        log_alpha=torch.log(rows),
        log_prior=torch.log(rows),
    )


def test_a_buffer_from_its_pieces() -> None:
    """Pieces are taken when they are new; by the time they are read, older ones are forgotten."""

    def density(state: dict[str, Tensor]) -> Any:
        return lambda u, channel, _: u[:, 0] * state["a"] + channel

    buffer, pieces = Buffer(2, 900), {}
    for number in range(6):
        state = {"a": torch.tensor(float(number), dtype=torch.float64)}
        buffer.add(_draw(150 + 50 * number, number), state, density)
        newest = len(buffer.generations) - 1
        pieces[buffer.forgotten + newest] = buffer.piece(newest)
        pieces = {t: {k: x.clone() for k, x in piece.items()} for t, piece in pieces.items()}
        alive = [pieces[buffer.forgotten + t] for t in range(newest + 1)]
        again = Buffer(2, 900)
        again.load_pieces(alive, buffer.forgotten)
        assert torch.equal(again.log_q, buffer.log_q)
        assert torch.equal(again.log_rho(), buffer.log_rho())
        assert again.columns.keys() == buffer.columns.keys()
        assert all(torch.equal(again.columns[k], c) for k, c in buffer.columns.items())
    assert buffer.forgotten == 4
