"""Models on disk: what is saved comes back, and what does not fit is refused."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ModelError, OutputError
from crosshook.core.model import DOCUMENT, TENSORS, load_model, read_document, save_model
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.interfaces.training import Stateful
    from crosshook.plugins.vegas.mapping import VegasMapping

CONTEXT = BuildContext(dimensions=2, channels=3)
INTERFACE = "channel_mapping"


def slot(model: str | None = None) -> Slot:
    registry = default_registry()
    options = registry.options(INTERFACE, Slot("vegas", {"bins": 4}))
    return Slot("vegas", options, model)


def saved(directory: Path) -> VegasMapping:
    built = cast("VegasMapping", default_registry().build(INTERFACE, slot(), CONTEXT))
    built.edges = built.edges**2
    save_model(cast("Stateful", built), directory, INTERFACE, slot(), CONTEXT)
    return built


@pytest.mark.parametrize("name", ["vegas", "builtin/vegas"])
def test_model_comes_back_through_the_registry(tmp_path: Path, name: str) -> None:
    built = saved(tmp_path / "m")
    again = default_registry().build(
        INTERFACE, Slot(name, slot().options, str(tmp_path / "m")), CONTEXT
    )
    assert torch.equal(cast("VegasMapping", again).edges, built.edges)


def test_model_names_its_own_component(tmp_path: Path) -> None:
    built = saved(tmp_path / "m")
    again = load_model(tmp_path / "m", CONTEXT)
    assert torch.equal(cast("VegasMapping", again).edges, built.edges)


def test_document_says_everything_needed_to_rebuild(tmp_path: Path) -> None:
    saved(tmp_path)
    document = read_document(tmp_path)
    assert document["format"] == "crosshook-model/1"
    assert (document["interface"], document["component"]) == (INTERFACE, "vegas")
    assert cast("dict[str, object]", document["options"])["bins"] == 4
    assert document["context"] == CONTEXT.shape()
    assert sorted(p.name for p in tmp_path.iterdir()) == [DOCUMENT, TENSORS]


def test_saving_again_replaces_the_model(tmp_path: Path) -> None:
    saved(tmp_path)
    first = (tmp_path / TENSORS).read_bytes()
    saved(tmp_path)
    assert (tmp_path / TENSORS).read_bytes() == first


def spoil_tensors(path: Path) -> None:
    data = bytearray((path / TENSORS).read_bytes())
    data[-1] ^= 1
    (path / TENSORS).write_bytes(bytes(data))


def edit(path: Path, **changes: object) -> None:
    document = json.loads((path / DOCUMENT).read_text())
    (path / DOCUMENT).write_text(json.dumps({**document, **changes}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_tensors, "does not match its checksum"),
        (lambda p: (p / TENSORS).unlink(), f"{TENSORS}: No such file"),
        (lambda p: (p / DOCUMENT).unlink(), "no model here: No such file"),
        (lambda p: (p / DOCUMENT).write_text("{"), "not JSON"),
        (lambda p: edit(p, format="other/1"), "not a model of format"),
        (lambda p: edit(p, api=2), "saved for channel_mapping api 2; this crosshook knows 1"),
        (lambda p: edit(p, component="uniform"), "a model of channel_mapping 'uniform', not of"),
        (
            lambda p: edit(p, options=None),
            "model.json: damaged: options missing or of another type",
        ),
        (lambda p: edit(p, state=[], sha256=1), "damaged: state, sha256 missing or of another"),
        (lambda p: edit(p, interface="unweighter"), "a model of unweighter 'vegas', not of"),
    ],
)
def test_damaged_model_is_refused(tmp_path: Path, spoil: object, words: str) -> None:
    saved(tmp_path)
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises(ModelError, match=words):
        default_registry().build(INTERFACE, slot(str(tmp_path)), CONTEXT)


class Payload:
    """What a stranger would have a loader of pickles do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self._path), "w")


def archive(payload: Payload) -> bytes:
    stream = io.BytesIO()
    torch.save(payload, stream)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [pickle.dumps, archive])
def test_a_strangers_model_runs_no_code(tmp_path: Path, pack: Callable[[Payload], bytes]) -> None:
    """A pickle, or torch's archive of one, under the right name and checksum, is no model."""
    saved(tmp_path / "m")
    trace = tmp_path / "trace"
    data = pack(Payload(trace))
    (tmp_path / "m" / TENSORS).write_bytes(data)
    edit(tmp_path / "m", sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ModelError, match=TENSORS):
        load_model(tmp_path / "m", CONTEXT)
    assert not trace.exists()


@pytest.mark.parametrize("change", [{"dimensions": 3}, {"channels": 1}, {"features": ("x",)}])
def test_model_of_another_shape_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    saved(tmp_path)
    with pytest.raises(ModelError, match=r"trained for .* needed for "):
        load_model(tmp_path, CONTEXT.with_(**change))


def test_component_without_state_takes_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'uniform' keeps no state, so it takes no model"):
        default_registry().build(INTERFACE, Slot("uniform", model=str(tmp_path)), CONTEXT)


def test_tensors_are_saved_whatever_their_layout(tmp_path: Path) -> None:
    """Views that share memory or are not contiguous are copied, gradients dropped."""

    class Views:
        def state(self) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
            table = torch.arange(6.0, requires_grad=True).reshape(2, 3)
            return {"a": table.T, "b": table[:, 0]}, {"note": [1, "x"]}

        def load_state(
            self, tensors: dict[str, torch.Tensor], values: dict[str, object]
        ) -> None: ...

    save_model(Views(), tmp_path, INTERFACE, Slot("x"), CONTEXT)
    assert read_document(tmp_path)["state"] == {"note": [1, "x"]}


def test_options_left_out_are_those_of_the_model(tmp_path: Path) -> None:
    saved(tmp_path)
    registry = default_registry()
    short = Slot("vegas", {"damping": 0.25}, str(tmp_path))
    options = registry.options(INTERFACE, short)
    assert (options["bins"], options["damping"]) == (4, 0.25)


def test_state_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    class Renamed:
        def state(self) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
            return {"lines": torch.zeros(3, 2, 5)}, {}

        def load_state(
            self, tensors: dict[str, torch.Tensor], values: dict[str, object]
        ) -> None: ...

    save_model(Renamed(), tmp_path, INTERFACE, slot(), CONTEXT)
    with pytest.raises(ModelError, match=r"does not fit .* 'vegas' as it is built: KeyError"):
        load_model(tmp_path, CONTEXT)


def test_a_model_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        saved(tmp_path / "file")
