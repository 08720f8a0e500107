"""Run files validated: components in their long form, and every default, options' too, filled in.

Nothing heavy is imported until the whole file is known to be allowed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError, RegistryError
from crosshook.core.options import load_schema, validate
from crosshook.core.run_document import DENSITY, NAMED, SLOTS, long_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.registry import Registry


def resolved_document(
    document: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    """A run file's content, validated, with every default; arguments and errors as of `resolve`."""
    full = validate(schemas.load("v1/run"), _spelt_out(document, where, registry), f"{where}:")
    for path, interface in SLOTS.items():
        _resolve_slot(full, path.split("."), interface, where, registry)
    beams = cast("dict[str, object]", full["beams"])
    if isinstance(beams["pdf"], str):
        beams["pdf"] = long_form(DENSITY, beams["pdf"])
    _resolve_slot(full, DENSITY.split("."), "parton_density", where, registry)
    output = cast("dict[str, list[object]]", full["output"])
    output["formats"] = [
        f
        if isinstance(f, str)
        else _resolved(f, "event_format", f"{where}: output.formats[{i}]", registry)
        for i, f in enumerate(output["formats"])
    ]
    return full


def _spelt_out(
    document: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    """The document with its process, or generator, in the long form.

    `{umami: {...}}` has the options of a component by its name; where what follows the name is no
    mapping, as in `{python: "module:function", dimensions: 5}`, it is the first option that the
    component requires, and the keys beside it are further options. So are those beside `use` of the
    executor.
    """
    full = dict(document)
    for key in NAMED:
        value = document.get(key)
        if isinstance(value, dict) and value and "use" not in value:
            full[key] = _named_slot(key, value, where, registry)
    executor = document.get("executor")
    if isinstance(executor, dict) and "use" in executor:
        full["executor"] = options_gathered(executor)
    return full


def options_gathered(slot: Mapping[str, object]) -> dict[str, object]:
    """A slot whose options may stand beside `use`."""
    beside = {key: value for key, value in slot.items() if key not in ("use", "options")}
    options = slot.get("options")
    if not beside or not (options is None or isinstance(options, dict)):
        return dict(slot)
    return {"use": slot["use"], "options": {**(options or {}), **beside}}


def _named_slot(
    interface: str, value: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    known = {r.component.name for r in registry.components(interface)}
    # keys may come in any order
    name = next((key for key in value if key.rpartition("/")[2] in known), next(iter(value)))
    given = value[name]
    others = {key: each for key, each in value.items() if key != name}
    further = others.pop("options", None)  # of --set generator.options.KEY=VALUE
    if isinstance(further, dict):
        others |= further
    elif further is not None:
        others["options"] = further
    if isinstance(given, dict):
        options = {**given, **others}
    else:
        try:
            schema = load_schema(registry.get(interface, name).component.schema)
        except RegistryError as error:
            message = f"{where}: {interface}: {error}"
            raise RegistryError(message) from error
        required = cast("list[str]", schema.get("required", []))
        options = {**({required[0]: given} if required else {}), **others}
    return {"use": name, "options": options}


def _resolve_slot(
    document: dict[str, object], keys: list[str], interface: str, where: str, registry: Registry
) -> None:
    inner = document
    for key in keys[:-1]:
        below = inner[key]
        if below is None:
            return
        inner = cast("dict[str, object]", below)
    path = f"{where}: {'.'.join(keys)}"
    if inner.get(keys[-1]) is None:
        return
    inner[keys[-1]] = _resolved(inner[keys[-1]], interface, path, registry)


def _resolved(value: object, interface: str, path: str, registry: Registry) -> dict[str, object]:
    """A slot in its long form with every option of its component."""
    if isinstance(value, dict) and "use" not in value:
        value = _named_by_model(value, interface, path)
    slot = Slot.parse(cast("str | Mapping[str, object]", value))
    try:
        options = registry.options(interface, slot, path)
    except RegistryError as error:
        message = f"{path}: {error}"
        raise RegistryError(message) from error
    return Slot(slot.use, options, slot.model, slot.train).as_dict()


def _named_by_model(value: Mapping[str, object], interface: str, path: str) -> dict[str, object]:
    """A slot without a name, which is that of the model it names."""
    from crosshook.core.model import read_document

    if "model" not in value:
        message = f"{path}: names no component: use, or model, is missing"
        raise ConfigurationError(message)
    document = read_document(Path(str(value["model"])))
    if document["interface"] != interface:
        message = f"{path}.model: a model of {document['interface']}, not of {interface}"
        raise ConfigurationError(message)
    return {"use": document["component"], **value}
