"""The flow as a channel mapping: identity, state, compilation, and what its networks see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.model import save_model
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.plugins.flow.mapping import FlowMapping

D, K = 3, 2
SMALL: dict[str, object] = {"bins": 4, "hidden": 6}


def _slot(**options: object) -> dict[str, object]:
    return {"use": "flow", "options": {**SMALL, **options}}


def _context(**shape: Any) -> BuildContext:
    given = {"dimensions": D, "channels": K, **shape}
    return BuildContext(rng=torch.Generator().manual_seed(1), **given)


def _flow(moved: float = 0.3, shape: dict[str, Any] | None = None, **options: object) -> Any:
    """A flow; `moved` from the identity by noise on all parameters."""
    context = _context(**(shape or {}))
    slot = cast("Any", _slot(**options))
    mapping = cast("FlowMapping", default_registry().build("channel_mapping", slot, context))
    rng = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in mapping.parameters():
            parameter += moved * torch.randn(parameter.shape, generator=rng).to(parameter)
    return mapping


def _points(n: int, d: int = D) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand((n, d), dtype=torch.float64, generator=rng), torch.arange(n) % K


VARIANTS: list[dict[str, object]] = [
    {},
    {"structure": "coupling", "layers": 4},
    {"networks": "per-channel", "layers": 2},
    {"precision": "float64"},
    {"placed": True},
]


@pytest.mark.parametrize("options", VARIANTS)
def test_untrained_is_the_identity(options: dict[str, object]) -> None:
    mapping, (r, channel) = _flow(0.0, **options), _points(200)
    u, log_det = mapping.forward(r, channel)
    # Shares are float32 by default.
    torch.testing.assert_close(u, r, rtol=0, atol=1e-6)
    torch.testing.assert_close(log_det, torch.zeros_like(log_det), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", VARIANTS)
@torch.no_grad()
def test_saved_and_loaded_bit_by_bit(options: dict[str, object], tmp_path: Path) -> None:
    mapping, (r, channel) = _flow(**options), _points(200)
    context, registry = _context(), default_registry()
    save_model(mapping, tmp_path, "channel_mapping", Slot.parse(_slot(**options)), context)
    given = cast("Any", {**_slot(**options), "model": str(tmp_path)})
    again = cast("FlowMapping", registry.build("channel_mapping", given, context))
    for way in ("forward", "inverse"):
        wanted, got = (getattr(m, way)(r, channel) for m in (mapping, again))
        assert torch.equal(wanted[0], got[0])
        assert torch.equal(wanted[1], got[1])
    tensors, values = mapping.state()
    assert values == {}
    assert set(tensors) == set(again.state()[0])


@torch.no_grad()
def test_the_same_seed_builds_the_same() -> None:
    one, two = (_flow(0.0).state()[0] for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


@torch.no_grad()
def test_many_points_go_in_pieces() -> None:
    """Without gradients points are taken in pieces; the result is that of all at once."""
    mapping, (r, channel) = _flow(precision="float64"), _points(10_000)
    u, log_det = mapping.forward(r, channel)
    for rows in (slice(0, 100), slice(4000, 4200), slice(9900, 10_000)):
        part, log_part = mapping.forward(r[rows], channel[rows])
        torch.testing.assert_close(part, u[rows], rtol=0, atol=1e-12)
        torch.testing.assert_close(log_part, log_det[rows], rtol=0, atol=1e-10)


@pytest.mark.parametrize("networks", ["shared", "per-channel"])
@torch.no_grad()
def test_channels_have_maps_of_their_own(networks: str) -> None:
    mapping, (r, _) = _flow(networks=networks), _points(100)
    first, second = (
        mapping.forward(r, torch.full((100,), c, dtype=torch.int64))[0] for c in range(K)
    )
    assert float((first - second).abs().max()) > 1e-3


@torch.no_grad()
def test_condition_moves_points() -> None:
    mapping = _flow(shape={"condition_size": 2})
    r, channel = _points(100)
    one, two = (mapping.forward(r, channel, torch.full((100, 2), c))[0] for c in (0.0, 1.0))
    assert float((one - two).abs().max()) > 1e-3


@torch.no_grad()
def test_discrete_values_move_the_rest() -> None:
    """Splines see the values: the same continuous r goes elsewhere for another helicity."""
    mapping = _flow(shape={"dimensions": 1, "discrete": (2,)})
    r = torch.tensor([[0.4, 0.01], [0.4, 0.99]], dtype=torch.float64)
    u, _ = mapping.forward(r, torch.zeros(2, dtype=torch.int64))
    assert torch.floor(2 * u[:, 1]).tolist() == [0.0, 1.0]
    assert abs(float(u[0, 0] - u[1, 0])) > 1e-4


@pytest.mark.parametrize(("backend", "name"), [("eager", "forward"), ("aot_eager", "inverse")])
@torch.no_grad()
def test_compiles_in_one_graph(backend: str, name: str) -> None:
    """No Python left inside: the compiler takes the formula in torch instead of the kernel."""
    mapping, (r, channel) = _flow(structure="coupling", shape={"dimensions": 2}), _points(64, 2)
    torch.compiler.reset()
    way = getattr(mapping, name)
    compiled = torch.compile(way, backend=backend, fullgraph=True)
    for got, wanted in zip(compiled(r, channel), way(r, channel), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-4)


def test_made_on_its_device() -> None:
    """With torch's default device set to meta everything still lands on the CPU."""
    with torch.device("meta"):
        mapping = default_registry().build("channel_mapping", cast("Any", _slot()), _context())
    flow = cast("FlowMapping", mapping)
    assert all(p.device.type == "cpu" for p in flow.parameters())


def test_gradients_reach_all_networks() -> None:
    for options in VARIANTS:
        mapping, (r, channel) = _flow(**options), _points(300)
        mapping.inverse(r, channel)[1].sum().backward()
        assert all(
            p.grad is not None and bool(p.grad.isfinite().all()) for p in mapping.parameters()
        )


def test_options_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="structure"):
        _flow(structure="spiral")
