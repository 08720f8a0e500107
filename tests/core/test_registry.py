"""Registry: lookup, clashes, versions, building, and what a broken plugin leaves behind."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from crosshook.core.component import Capabilities, Command, Component, Slot, hookimpl
from crosshook.core.context import BuildContext
from crosshook.core.entry_points import Plugin
from crosshook.core.errors import ConfigurationError, RegistryError
from crosshook.core.registry import Registry, default_registry

if TYPE_CHECKING:
    from pathlib import Path


class Mapping:
    def __init__(self, context: BuildContext, **options: object) -> None:
        self.context, self.options = context, options

    def forward(self) -> None: ...

    def inverse(self) -> None: ...


class NoInverse:
    def __init__(self, context: BuildContext) -> None: ...

    def forward(self) -> None: ...


NOT_CALLABLE = 3


def no_context() -> None: ...


def record(name: str, target: str = "Mapping", api: int = 1, **more: object) -> Component[object]:
    where = target if ":" in target else f"{__name__}:{target}"
    return Component(name, where, "a test component", api=api, **more)  # type: ignore[arg-type]


def plugin(name: str, *records: object, distribution: str | None = None) -> Plugin:
    module = ModuleType(f"module_{name}")

    @hookimpl
    def crosshook_channel_mapping() -> list[object]:
        return list(records)

    module.crosshook_channel_mapping = crosshook_channel_mapping  # type: ignore[attr-defined]
    return Plugin(name, module.__name__, distribution or f"{name}-dist", "1.0", module)


def test_component_is_found_by_its_name_and_by_plugin_and_name() -> None:
    registry = Registry([plugin("one", record("a"), record("b"))])
    assert registry.get("channel_mapping", "a").plugin == "one"
    assert registry.get("channel_mapping", "one/b").component.name == "b"
    assert [r.component.name for r in registry.components("channel_mapping")] == ["a", "b"]


def test_unknown_name_suggests_a_near_one_and_lists_broken_plugins() -> None:
    broken = Plugin("sick", "sick", "sick-dist", "1", None, "ImportError: no")
    registry = Registry([plugin("one", record("vegas")), broken])
    with pytest.raises(RegistryError, match=r"'vegsa'; did you mean vegas\?.*broken.*: sick"):
        registry.get("channel_mapping", "vegsa")
    with pytest.raises(RegistryError, match="known: vegas"):
        registry.get("channel_mapping", "flow")
    with pytest.raises(RegistryError, match=r"no interface named 'chanel_mapping'; did you mean"):
        registry.get("chanel_mapping", "vegas")


def test_clash_names_both_distributions_and_can_be_resolved() -> None:
    plugins = [plugin("one", record("same")), plugin("two", record("same"))]
    registry = Registry(plugins)
    with pytest.raises(RegistryError, match=r"one-dist \(plugin one\) and two-dist \(plugin two"):
        registry.get("channel_mapping", "same")
    assert registry.get("channel_mapping", "two/same").plugin == "two"
    assert Registry(plugins, disable=["one"]).get("channel_mapping", "same").plugin == "two"
    assert Registry(plugins, disable=["two/same"]).get("channel_mapping", "same").plugin == "one"


def test_two_components_of_one_name_in_one_plugin_clash() -> None:
    registry = Registry([plugin("one", record("same"), record("same"))])
    with pytest.raises(RegistryError, match="is offered by"):
        registry.get("channel_mapping", "same")


@pytest.mark.parametrize(
    ("api", "reason"), [(2, "this crosshook knows 1"), (0, "needs at least 1")]
)
def test_other_api_versions_are_listed_as_unusable(api: int, reason: str) -> None:
    registry = Registry([plugin("one", record("odd", api=api))])
    (found,) = registry.components("channel_mapping")
    assert reason in found.status
    with pytest.raises(RegistryError, match=f"'odd' is unusable: .*api {api}.*{reason}"):
        registry.get("channel_mapping", "odd")


def test_name_in_two_interfaces_has_to_be_told_apart() -> None:
    registry = default_registry()
    with pytest.raises(RegistryError, match="'uniform' is a channel_mapping and a channel_wei"):
        registry.find("uniform")
    assert registry.find("uniform", "channel_weights").interface.name == "channel_weights"
    assert registry.find("vegas").interface.name == "channel_mapping"
    with pytest.raises(RegistryError, match=r"no component named 'vegsa'; did you mean vegas\?"):
        registry.find("vegsa")


def raising() -> list[object]:
    message = "the hook fails"
    raise ValueError(message)


def nothing() -> list[object]:
    return []


@pytest.mark.parametrize(
    ("hook", "function", "reason"),
    [
        ("crosshook_channel_mapping", raising, "ValueError: the hook fails"),
        ("crosshook_channel_mapping", lambda: [1], "returned 1, not a crosshook.Component"),
        ("crosshook_channel_mapping", lambda: None, "TypeError"),
        ("crosshook_command", lambda: ["run"], "returned 'run', not a crosshook Command"),
        ("crosshook_no_such_hook", nothing, "PluginValidationError"),
        ("crosshook_channel_mapping", lambda wrong: [], "PluginValidationError"),
    ],
)
def test_broken_hook_is_survived_and_leaves_nothing(
    hook: str, function: object, reason: str
) -> None:
    good, bad = plugin("good", record("fine")), plugin("bad", record("half"))
    assert bad.module is not None
    setattr(bad.module, hook, hookimpl(function))  # type: ignore[call-overload]
    registry = Registry([bad, good])
    assert reason in registry.plugins[0].status
    assert registry.plugins[0].module is None
    assert [r.component.name for r in registry.components()] == ["fine"]
    assert registry.commands == []


def test_commands_are_collected() -> None:
    command = Command(("greet",), "module:greet", "says hello")
    offering = plugin("one")
    assert offering.module is not None
    offering.module.crosshook_command = hookimpl(lambda: [command])  # type: ignore[attr-defined]
    assert Registry([offering]).commands == [command]


def listening(name: str, function: object) -> Plugin:
    made = plugin(name)
    made.module.crosshook_stage_finished = hookimpl(function)  # type: ignore[union-attr, call-overload]
    return made


def test_listeners_are_told_what_they_ask_for() -> None:
    heard: list[object] = []
    registry = Registry(
        [
            listening("two", lambda stage: heard.append(stage)),
            listening("one", lambda stage, report: heard.append((stage, report))),
        ]
    )
    registry.tell("crosshook_stage_finished", stage="integrate", report=7)
    registry.tell("crosshook_run_started", plan=None)
    assert heard == [("integrate", 7), "integrate"]


def test_failing_listener_is_named() -> None:
    def fails(stage: str) -> None:
        message = f"no place for {stage}"
        raise OSError(message)

    with pytest.raises(
        RegistryError,
        match=r"crosshook_stage_finished of bad-dist \(plugin bad\) fails: OSError: no place for x; "
        r".*disable: \[bad\]",
    ):
        Registry([listening("bad", fails)]).tell("crosshook_stage_finished", stage="x", report=0)


def test_build_hands_over_context_and_defaults() -> None:
    schema = "crosshook.schemas:v1/components/vegas.json"
    registry = Registry([plugin("one", record("a", schema=schema))])
    context = BuildContext(dimensions=3, channels=2)
    built = registry.build("channel_mapping", {"use": "a", "options": {"bins": 7}}, context)
    assert isinstance(built, Mapping)
    assert built.options["bins"] == 7
    assert set(built.options) > {"bins"}
    assert built.context.dimensions == 3
    assert built.context.registry is registry
    assert isinstance(built.context.build("channel_mapping", "a"), Mapping)


def test_unknown_option_is_refused_with_its_path() -> None:
    schema = "crosshook.schemas:v1/components/vegas.json"
    registry = Registry([plugin("one", record("a", "no.such.module:x", schema=schema))])
    slot = Slot("a", {"binz": 7})
    with pytest.raises(
        ConfigurationError, match=r"^run.yaml: map.options.binz: not allowed; did you mean bins\?"
    ):
        registry.build("channel_mapping", slot, BuildContext(), "run.yaml: map")
    without = Registry([plugin("one", record("a"))])
    with pytest.raises(ConfigurationError, match=r"a.options.binz: not allowed; allowed: nothing"):
        without.build("channel_mapping", slot, BuildContext())


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no.such.module:make", "cannot import no.such.module:make"),
        ("missing", "cannot import .*:missing"),
        ("NOT_CALLABLE", "is not callable"),
        ("no_context", r"does not take what the schema allows \(context\): too many positional"),
        ("NoInverse", "built a NoInverse without inverse"),
    ],
)
def test_bad_factory_is_reported(target: str, words: str) -> None:
    registry = Registry([plugin("one", record("a", target))])
    with pytest.raises(RegistryError, match=words):
        registry.build("channel_mapping", "a", BuildContext())


def test_target_that_fails_to_import_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crosshook_half_written.py").write_text("def make(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry([plugin("one", record("a", "crosshook_half_written:make"))])
    with pytest.raises(RegistryError, match=r"'a': cannot import crosshook_half.*: SyntaxError: "):
        registry.build("channel_mapping", "a", BuildContext())


def test_device_outside_the_capabilities_is_refused() -> None:
    able = Capabilities(devices=("cpu", "cuda"))
    registry = Registry([plugin("one", record("a", capabilities=able))])
    with pytest.raises(RegistryError, match=r"does not run on 'mps'; it runs on cpu, cuda"):
        registry.build("channel_mapping", "a", BuildContext(device="mps"))
    registry.build("channel_mapping", "a", BuildContext(device="cuda:1"))


def test_slot_in_short_and_long_form() -> None:
    assert Slot.parse("vegas") == Slot("vegas")
    long = {"use": "vegas", "options": {"bins": 3}, "model": "m", "train": {"evaluations": 5}}
    slot = Slot.parse(long)
    assert slot.as_dict() == long
    assert Slot.parse(slot) is slot
    assert Slot("a").as_dict() == {"use": "a", "options": {}}
