"""Run files as written: read with a bound on their size, and changed by `key=value` settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.run_yaml import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from crosshook.core.options import Schema

MAX_BYTES = 1_000_000

SLOTS = {
    "process": "process",
    "generator": "generator",
    "sampling.channel_mapping": "channel_mapping",
    "sampling.channel_weights": "channel_weights",
    "sampling.training.warm_start": "channel_mapping",
    "generate.unweighter": "unweighter",
    "generate.surrogate": "amplitude_surrogate",
    "executor": "executor",
}
"""Where components go in a run file, and of which interface."""

NAMED = ("process", "generator")
"""Slots that may be written `{NAME: {option: value, ...}}`; each is also its interface's name."""

DENSITY = "beams.pdf"
"""Where the parton densities go, by the name of a set or as a slot."""


def read_run_file(path: Path, settings: Iterable[str] = ()) -> tuple[dict[str, object], str]:
    """Reads a run file and applies `key=value` settings.

    Args:
        path: a YAML file.
        settings: e.g. `sampling.evaluations=1000`; values are YAML.

    Returns:
        The document as written, and the name to start messages with.

    Raises:
        InputError: if the file cannot be read.
        ConfigurationError: if it is no mapping, or a setting has no place.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise InputError(message) from error
    if len(data) > MAX_BYTES:
        message = f"{path}: larger than {MAX_BYTES} bytes, which no run file is"
        raise InputError(message)
    document = parse_yaml(data.decode("utf-8", "replace"), str(path))
    if not isinstance(document, dict):
        message = f"{path}: a run file is a mapping of keys, e.g. 'process: pp-ttbar'"
        raise ConfigurationError(message)
    apply_settings(document, settings)
    return document, str(path)


def apply_settings(document: dict[str, object], settings: Iterable[str]) -> None:
    """Replaces keys of a run file's content.

    Args:
        document: as read; changed in place.
        settings: `key=value` pairs, e.g. `sampling.evaluations=1000`; values are YAML.

    Raises:
        ConfigurationError: if a setting is none, or has no place.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            message = f"--set {setting}: write it as key=value, e.g. seed=7"
            raise ConfigurationError(message)
        _assign(document, key.split("."), parse_yaml(text, f"--set {setting}"), setting)


def _assign(document: dict[str, object], keys: list[str], value: object, setting: str) -> None:
    inner = document
    for i, key in enumerate(keys[:-1]):
        place = ".".join(keys[: i + 1])
        below = inner.get(key)
        if place in (*SLOTS, DENSITY) and (below is None or isinstance(below, str)):
            # A slot that is missing or in its short form grows into its long one.
            name = below if below is not None else _default(keys[: i + 1])
            below = inner[key] = long_form(place, name)
        elif below is None:
            below = inner[key] = {}
        if not isinstance(below, dict):
            message = f"--set {setting}: {place} is {below!r}, not a mapping"
            raise ConfigurationError(message)
        inner = below
    inner[keys[-1]] = value


def _default(keys: list[str]) -> object:
    """What the schema says a key is if it is left out."""
    rule = schemas.load("v1/run")
    for key in keys:
        rule = cast("dict[str, Schema]", rule["properties"])[key]
    return rule.get("default")


def long_form(place: str, name: object) -> dict[str, object]:
    """A slot written as a name alone; that of the densities is the name of an LHAPDF set."""
    if name is None:
        return {}
    return {"use": "lhapdf", "options": {"set": name}} if place == DENSITY else {"use": name}


def disabled(document: Mapping[str, object], where: str) -> tuple[str, ...]:
    """The plugins and components a run file leaves out; needed before anything else of it."""
    names = document.get("disable", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        message = f"{where}: disable: {names!r} is not a list of plugins or plugin/component names"
        raise ConfigurationError(message)
    return tuple(names)
