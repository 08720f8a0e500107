"""The YAML of run files: plain data with string keys, each once, and no anchors."""

from __future__ import annotations

import re
from typing import Protocol

import yaml

from crosshook.core.errors import ConfigurationError

MAX_DEPTH = 50
"""Deepest nesting, far above any run file."""


class RunFileLoader(yaml.SafeLoader):
    """Plain data only; numbers such as 1e-3 are numbers, as in YAML 1.2 and Python."""


RunFileLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str, name: str) -> object:
    """The data in a text.

    Args:
        text: YAML.
        name: of the file or flag, for messages.

    Raises:
        ConfigurationError: if it is not YAML, nested too deeply, uses anchors or aliases (which
            let a small file grow without bound), or has a mapping whose keys are no strings or
            repeat each other.
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=RunFileLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                message = f"{name}: nested more than {MAX_DEPTH} deep"
                raise ConfigurationError(message)
            if getattr(event, "anchor", None) is not None:
                place = _place(name, event.start_mark)
                message = f"{place}: YAML anchors and aliases are not allowed in run files"
                raise ConfigurationError(message)
        node = yaml.compose(text, Loader=RunFileLoader)
        _check_keys(node, name)
        return yaml.load(text, Loader=RunFileLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        message = f"{_place(name, mark)}: not YAML: {reason}"
        raise ConfigurationError(message) from error
    except ValueError as error:  # a date or number that has the form of one only
        message = f"{name}: not YAML: {error}"
        raise ConfigurationError(message) from error


class _Mark(Protocol):
    """Where in a text; PyYAML's two implementations have a class each."""

    line: int
    column: int


def _place(name: str, mark: _Mark | None) -> str:
    return f"{name} (line {mark.line + 1}, column {mark.column + 1})" if mark else name


def _check_keys(node: yaml.Node | None, name: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(value, name)
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set()
    for key, value in node.value:
        place = _place(name, key.start_mark)
        if key.tag != "tag:yaml.org,2002:str":
            message = f"{place}: the key {key.value!r} is not a string; put it in quotes"
            raise ConfigurationError(message)
        if key.value in seen:
            message = f"{place}: the key {key.value!r} is there twice"
            raise ConfigurationError(message)
        seen.add(key.value)
        _check_keys(value, name)
