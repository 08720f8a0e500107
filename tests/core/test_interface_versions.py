"""Components of api 1 under a crosshook whose channel mappings are of api 2."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.entry_points import Plugin
from crosshook.core.errors import RegistryError
from crosshook.core.interfaces import INTERFACES
from crosshook.core.interfaces.training import Budget
from crosshook.core.model import save_model
from crosshook.core.registry import Registry
from crosshook.core.shim import with_methods
from crosshook.core.testkit import checks_for, subject_of
from crosshook.core.testkit.problem import ProblemSource
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.component import Component
    from crosshook.core.interfaces.training import Trainable

CONTEXT = BuildContext(dimensions=2, channels=1)


class LogDensity:
    """What api 2 asks for: log q(u) without the random numbers."""

    def log_density(self, u: Tensor, channel: Tensor) -> Tensor:
        """log q(u|channel), `(n,)`."""
        log_q: Tensor = cast("Any", self).inverse(u, channel)[1]
        return log_q


def shim(component: object, context: BuildContext) -> object:
    """Channel mappings of api 1 as such of api 2."""
    return with_methods(component, LogDensity)


@pytest.fixture
def second_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crosshook of the future, which still takes components of api 1."""
    old = INTERFACES["channel_mapping"]
    new = replace(
        old,
        api=2,
        methods=(*old.methods, "log_density"),
        shims={1: f"{__name__}:shim"},
    )
    monkeypatch.setitem(INTERFACES, "channel_mapping", new)


class Offer:
    """A plugin with the built-in VEGAS grid, which was written for api 1."""

    def __init__(self, *records: Component[object]) -> None:
        self._records = records

    def crosshook_channel_mapping(self) -> tuple[Component[object], ...]:
        """The records."""
        return self._records


def registry(api: int = 1) -> Registry:
    from crosshook.plugins import crosshook_channel_mapping

    (vegas,) = (c for c in crosshook_channel_mapping() if c.name == "vegas")
    module = cast("Any", Offer(replace(vegas, api=api)))
    return Registry([Plugin("grids", "grids", "crosshook-grids", "1.0", module)])


def trained(offered: Registry) -> Any:
    built = offered.build("channel_mapping", "vegas", CONTEXT)
    source = ProblemSource(2, 1, torch.Generator().manual_seed(1), "cpu", cast("Any", built))
    cast("Trainable", built).fit(source, Budget(5000), CONTEXT)
    return built


@pytest.mark.usefixtures("second_version")
def test_an_older_component_works_by_its_shim_and_says_so() -> None:
    offered = registry()
    (listed,) = offered.components()
    assert listed.status == "ok, by a shim: written for api 1, now 2"
    mapping = trained(offered)
    r = torch.rand((100, 2), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    channel = torch.zeros(100, dtype=torch.int64)
    u, log_det = mapping.forward(r, channel)
    torch.testing.assert_close(mapping.log_density(u, channel), -log_det, rtol=0, atol=1e-9)
    assert float(log_det.std()) > 0.1, "trained through the shim"


@pytest.mark.usefixtures("second_version")
def test_the_kit_sees_what_the_shim_made() -> None:
    """It can still be trained and saved; the other laws are those of the component itself."""
    subject = subject_of("vegas", registry(), options={"bins": 8})
    checks = {check.name: check for check in checks_for("channel_mapping")}
    assert checks["capabilities_are_kept"].outcome(subject).status == "passed"
    assert hasattr(subject.built(Case(dimensions=1)), "log_density")


def test_a_model_saved_before_is_loaded_after(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first = registry()
    before = trained(first)
    slot = {"use": "vegas", "model": str(tmp_path)}
    save_model(before, tmp_path, "channel_mapping", _slot(first), CONTEXT)
    request.getfixturevalue("second_version")
    after: Any = registry().build("channel_mapping", slot, CONTEXT)
    u = torch.rand((50, 2), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    channel = torch.zeros(50, dtype=torch.int64)
    assert torch.equal(after.log_density(u, channel), before.inverse(u, channel)[1])


def _slot(offered: Registry) -> Any:
    from crosshook.core.component import Slot

    return Slot("vegas", offered.options("channel_mapping", Slot("vegas")))


@pytest.mark.usefixtures("second_version")
def test_one_of_the_new_version_needs_no_shim() -> None:
    offered = registry(api=2)
    assert offered.components()[0].status == "ok"
    # The grid has no log_density of its own: a record that promises too much is found out.
    with pytest.raises(RegistryError, match="built a VegasMapping without log_density"):
        offered.build("channel_mapping", "vegas", CONTEXT)


def test_when_the_shim_is_gone_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = replace(INTERFACES["channel_mapping"], api=2, oldest_api=2)
    monkeypatch.setitem(INTERFACES, "channel_mapping", new)
    words = (
        "'vegas' is unusable: written for channel_mapping api 1; this crosshook needs at least 2"
    )
    with pytest.raises(RegistryError, match=f"{words}: a newer version of the plugin is needed"):
        registry().build("channel_mapping", "vegas", CONTEXT)


def test_every_accepted_version_has_its_shim() -> None:
    for interface in INTERFACES.values():
        assert set(interface.shims) == set(range(interface.oldest_api, interface.api))


class Slotted:
    __slots__ = ("a",)


def test_what_cannot_be_extended_is_refused() -> None:
    with pytest.raises(RegistryError, match="Slotted cannot take the methods of LogDensity"):
        with_methods(Slotted(), LogDensity)
