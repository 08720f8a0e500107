"""The registry: which components there are, and the one way to build one.

Listing needs no heavy import: plugins hand over records, and a factory is imported only when its
component is built.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from crosshook.core import hooks
from crosshook.core.component import PROJECT, Command, Component, Slot
from crosshook.core.entry_points import Plugin, find_plugins
from crosshook.core.errors import ModelError, RegistryError, brief
from crosshook.core.interfaces import INTERFACES, Interface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from crosshook.core.context import BuildContext


@dataclass(frozen=True)
class Registered:
    """A component with where it came from.

    Attributes:
        interface: what it implements.
        component: the record.
        plugin: name of the plugin that offered it.
        distribution: the pip distribution of the plugin.
        version: version of that distribution.
        reason: why it cannot be used, or `""`.
    """

    interface: Interface
    component: Component[object]
    plugin: str
    distribution: str
    version: str
    reason: str = ""

    @property
    def status(self) -> str:
        """`ok`, or `unusable: reason`, or which version a shim makes up for."""
        if self.reason:
            return f"unusable: {self.reason}"
        api, current = self.component.api, self.interface.api
        return "ok" if api == current else f"ok, by a shim: written for api {api}, now {current}"


class Registry:
    """All plugins of this process and what they offer."""

    def __init__(self, plugins: Iterable[Plugin], disable: Iterable[str] = ()) -> None:
        """Asks every plugin for its records.

        Args:
            plugins: as found by `find_plugins`; broken ones are kept for listing.
            disable: plugins (`NAME`) or components (`PLUGIN/NAME`) to leave out.
        """
        self._disabled = frozenset(disable)
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hooks)
        self.plugins: list[Plugin] = []
        self._components: list[Registered] = []
        self.commands: list[Command] = []
        for plugin in plugins:
            self.plugins.append(self._add(plugin))

    def _add(self, plugin: Plugin) -> Plugin:
        if plugin.module is None or plugin.name in self._disabled:
            return plugin
        try:
            self._manager.register(plugin.module, name=plugin.name)
            self._manager.check_pending()
            found, commands = self._records(plugin, plugin.module)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's hook raises
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)
            return replace(plugin, module=None, reason=brief(error))
        self._components.extend(found)
        self.commands.extend(commands)
        return plugin

    def _records(
        self, plugin: Plugin, module: ModuleType
    ) -> tuple[list[Registered], list[Command]]:
        found: list[Registered] = []
        for interface in INTERFACES.values():
            for record in _call(module, interface.hook):
                if not isinstance(record, Component):
                    message = f"{interface.hook} returned {record!r}, not a crosshook.Component"
                    raise RegistryError(message)
                if f"{plugin.name}/{record.name}" in self._disabled:
                    continue
                found.append(
                    Registered(
                        interface,
                        record,
                        plugin.name,
                        plugin.distribution,
                        plugin.version,
                        _version_reason(interface, record),
                    )
                )
        commands = []
        for record in _call(module, "crosshook_command"):
            if not isinstance(record, Command) or not record.path:
                message = f"crosshook_command returned {record!r}, not a crosshook Command"
                raise RegistryError(message)
            commands.append(record)
        return found, commands

    def components(self, interface: str | None = None) -> list[Registered]:
        """Every component, unusable ones included, in order of interface and name.

        Args:
            interface: only of this interface.
        """
        if interface is not None:
            _interface(interface)
        order = {name: i for i, name in enumerate(INTERFACES)}
        chosen = [
            r for r in self._components if interface is None or r.interface.name == interface
        ]
        return sorted(chosen, key=lambda r: (order[r.interface.name], r.component.name, r.plugin))

    def get(self, interface: str, name: str) -> Registered:
        """The component of that name.

        Args:
            interface: e.g. `channel_mapping`.
            name: `NAME`, or `PLUGIN/NAME` where two plugins offer the same one.

        Raises:
            RegistryError: if it is unknown, offered twice, or unusable.
        """
        kind = _interface(interface)
        offered = self.components(interface)
        plugin, _, bare = name.rpartition("/")
        matches = [
            r for r in offered if r.component.name == bare and (not plugin or r.plugin == plugin)
        ]
        if not matches:
            raise RegistryError(self._unknown(kind, name, offered))
        if len(matches) > 1:
            owners = " and ".join(f"{r.distribution} (plugin {r.plugin})" for r in matches)
            message = (
                f"{interface} {name!r} is offered by {owners}; "
                f"write {matches[0].plugin}/{bare}, or disable one of the plugins"
            )
            raise RegistryError(message)
        if matches[0].reason:
            message = f"{interface} {name!r} is unusable: {matches[0].reason}"
            raise RegistryError(message)
        return matches[0]

    def find(self, name: str, interface: str | None = None) -> Registered:
        """The component of that name, whatever its interface.

        Args:
            name: `NAME` or `PLUGIN/NAME`.
            interface: only this one; needed where several interfaces share the name.

        Raises:
            RegistryError: if it is unknown, ambiguous or unusable.
        """
        if interface is not None:
            return self.get(interface, name)
        plugin, _, bare = name.rpartition("/")
        homes = sorted(
            {
                r.interface.name
                for r in self._components
                if r.component.name == bare and (not plugin or r.plugin == plugin)
            }
        )
        if len(homes) > 1:
            message = f"{name!r} is a {' and a '.join(homes)}; say which interface"
            raise RegistryError(message)
        if not homes:
            known = sorted({r.component.name for r in self._components})
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"
            message = f"no component named {name!r}; {hint}"
            raise RegistryError(message)
        return self.get(homes[0], name)

    def _unknown(self, kind: Interface, name: str, offered: list[Registered]) -> str:
        names = sorted({r.component.name for r in offered})
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"
        broken = [p.name for p in self.plugins if p.module is None]
        also = f" (broken plugins: {', '.join(broken)})" if broken else ""
        return f"no {kind.name} named {name!r}; {hint}{also}"

    def options(self, interface: str, slot: Slot, where: str = "") -> dict[str, object]:
        """The slot's options, validated and with defaults filled in.

        Where the slot names a saved model, what it leaves out is as the model was trained with.

        Args:
            interface: what the slot is for.
            slot: as parsed from the run file.
            where: path of the slot in the run file, for messages.

        Raises:
            ConfigurationError: if an option is not allowed.
            ModelError: if the model is none of this component.
        """
        from crosshook.core.model import saved_options
        from crosshook.core.options import resolve_options

        registered = self.get(interface, slot.use)
        path = f"{where}.options" if where else f"{slot.use}.options"
        given = slot.options
        if slot.model is not None:
            if not registered.component.capabilities.stateful:
                message = f"{interface} {slot.use!r} keeps no state, so it takes no model"
                raise ModelError(message)
            given = {**saved_options(Path(slot.model), interface, slot.use), **given}
        return resolve_options(registered.component.schema, given, path)

    def build(
        self,
        interface: str,
        slot: Slot | str | Mapping[str, object],
        context: BuildContext,
        where: str = "",
    ) -> object:
        """Builds a component; there is no other way.

        Args:
            interface: e.g. `channel_mapping`.
            slot: `NAME`, `{use: NAME, options: {...}}` or a `Slot`.
            context: everything the component may know.
            where: path of the slot in the run file, for messages.

        Returns:
            The component, with its saved model loaded if the slot names one.

        Raises:
            RegistryError: if it is unknown, unusable or lacks a method of its interface.
            ConfigurationError: if an option is not allowed.
        """
        slot = Slot.parse(slot)
        registered = self.get(interface, slot.use)
        options = self.options(interface, slot, where)
        device_kind = context.device.split(":", maxsplit=1)[0]
        devices = registered.component.capabilities.devices
        if device_kind not in devices and device_kind != "meta":
            message = (
                f"{interface} {slot.use!r} does not run on {context.device!r}; "
                f"it runs on {', '.join(devices)}"
            )
            raise RegistryError(message)
        factory = load_target(registered.component.target, f"{interface} {slot.use!r}")
        model = Path(slot.model) if slot.model is not None else None
        told = context.with_(registry=self, model=model)
        try:
            inspect.signature(factory).bind(told, **options)
        except TypeError as error:
            message = (
                f"{interface} {slot.use!r}: {registered.component.target} does not take what the "
                f"schema allows ({', '.join(['context', *options])}): {error}"
            )
            raise RegistryError(message) from error
        built: object = factory(told, **options)
        if slot.model is not None:
            self._load_model(built, interface, slot, context)
        built = _brought_up(built, registered, told)
        missing = [m for m in registered.interface.methods if not hasattr(built, m)]
        if missing:
            message = (
                f"{interface} {slot.use!r} ({registered.component.target}) built a "
                f"{type(built).__name__} without {', '.join(missing)}"
            )
            raise RegistryError(message)
        return built

    def _load_model(
        self, built: object, interface: str, slot: Slot, context: BuildContext
    ) -> None:
        from crosshook.core.interfaces.training import Stateful
        from crosshook.core.model import restore

        if not isinstance(built, Stateful):
            message = (
                f"{interface} {slot.use!r} is declared stateful, but lacks state() or load_state()"
            )
            raise ModelError(message)
        restore(built, Path(str(slot.model)), interface, slot.use, context)

    def tell(self, hook: str, **facts: object) -> None:
        """Calls every listener of a hook, in the order of the plugins' names.

        Args:
            hook: `crosshook_run_started` or `crosshook_stage_finished`.
            facts: the hook's arguments.

        Raises:
            RegistryError: if a listener fails, naming its plugin.
        """
        known = {plugin.name: plugin for plugin in self.plugins}
        listeners = getattr(self._manager.hook, hook).get_hookimpls()
        for listener in sorted(listeners, key=lambda found: str(found.plugin_name)):
            arguments = {name: facts[name] for name in listener.argnames}
            try:
                listener.function(**arguments)
            except Exception as error:  # whatever a stranger's listener raises
                plugin = known[listener.plugin_name]
                message = (
                    f"{hook} of {plugin.distribution} (plugin {plugin.name}) fails: {brief(error)}; "
                    f"mend it, or leave it out with disable: [{plugin.name}]"
                )
                raise RegistryError(message) from error


def _interface(name: str) -> Interface:
    if name not in INTERFACES:
        near = get_close_matches(name, INTERFACES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(INTERFACES)}"
        message = f"no interface named {name!r}; {hint}"
        raise RegistryError(message)
    return INTERFACES[name]


def _call(module: ModuleType, hook: str) -> list[object]:
    function = getattr(module, hook, None)
    return list(function()) if function is not None else []


def _version_reason(interface: Interface, component: Component[object]) -> str:
    if interface.oldest_api <= component.api <= interface.api:
        return ""
    if component.api < interface.oldest_api:
        known = f"needs at least {interface.oldest_api}: a newer version of the plugin is needed"
    else:
        known = f"knows {interface.api}: a newer crosshook is needed"
    return f"written for {interface.name} api {component.api}; this crosshook {known}"


def _brought_up(built: object, registered: Registered, context: BuildContext) -> object:
    """A component written for an older version of its interface as one of the current version."""
    interface = registered.interface
    for version in range(registered.component.api, interface.api):
        what = f"{interface.name} api {version} to {version + 1}"
        built = load_target(interface.shims[version], what)(built, context)
    return built


def load_target(target: str, what: str) -> Callable[..., object]:
    """Imports what a record names as `package.module:attribute`.

    Args:
        target: as in the record.
        what: whose target, for messages.

    Raises:
        RegistryError: if it cannot be imported or called.
    """
    module_name, _, attribute = target.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # whatever a stranger's import raises
        message = f"{what}: cannot import {target}: {brief(error)}"
        raise RegistryError(message) from error
    if not callable(factory):
        message = f"{what}: {target} is not callable"
        raise RegistryError(message)
    return factory  # type: ignore[no-any-return]


@lru_cache
def default_registry(disable: tuple[str, ...] = ()) -> Registry:
    """The registry of everything installed, made on first use.

    Args:
        disable: plugins (`NAME`) or components (`PLUGIN/NAME`) to leave out.
    """
    return Registry(find_plugins(), disable)
