"""Run files with `generator:`: which keys they have, checked and resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from crosshook.core.component import Slot
from crosshook.core.config import histogram_specs
from crosshook.core.errors import ConfigurationError
from crosshook.core.resolved_document import resolved_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.config import HistogramSpec
    from crosshook.core.registry import Registry

KEYS: Final[dict[str, frozenset[str] | None]] = {
    "generator": None,
    "integrate": frozenset({"histograms"}),
    "generate": frozenset({"events", "pilot", "unweighter", "max_evaluations", "keep_weighted"}),
    "output": None,
    "disable": None,
    "seed": None,
}
"""What such a run file may say, with the keys below where not all have a meaning."""


@dataclass(frozen=True)
class DrivenConfig:
    """A run file with `generator:`, resolved; `document` is the same as plain data.

    Attributes follow schemas/v1/run.json.
    """

    document: Mapping[str, object]
    disable: tuple[str, ...]
    generator: Slot
    histograms: tuple[HistogramSpec, ...]
    events: int
    pilot: int
    unweighter: Slot
    max_evaluations: int
    keep_weighted: bool
    directory: str
    formats: tuple[str | Slot, ...]
    html: bool
    seed: int

    @classmethod
    def from_document(cls, full: Mapping[str, object]) -> DrivenConfig:
        """The configuration of a resolved document, as `resolved.json` keeps it."""
        parts = {key: cast("dict[str, Any]", full[key]) for key, _ in KEYS.items()}
        generate, output = parts["generate"], parts["output"]
        return cls(
            document=full,
            disable=tuple(parts["disable"]),
            generator=Slot.parse(parts["generator"]),
            histograms=histogram_specs(parts["integrate"]["histograms"]),
            events=generate["events"],
            pilot=generate["pilot"],
            unweighter=Slot.parse(generate["unweighter"]),
            max_evaluations=generate["max_evaluations"],
            keep_weighted=generate["keep_weighted"],
            directory=output["directory"],
            formats=tuple(f if isinstance(f, str) else Slot.parse(f) for f in output["formats"]),
            html=output["report"] == "html",
            seed=cast("int", full["seed"]),
        )


def resolve_driven(document: Mapping[str, object], where: str, registry: Registry) -> DrivenConfig:
    """Validates a run file with `generator:` and fills in every default.

    Args:
        document: as read.
        where: name of the file, for messages.
        registry: knows the components and their option schemas.

    Raises:
        ConfigurationError: if anything in it is not allowed.
        RegistryError: if a component is unknown or unusable.
    """
    check_keys(document, where)
    full = resolved_document(document, where, registry)
    kept: dict[str, object] = {}
    for key, inner in KEYS.items():
        value = full[key]
        if inner is not None:
            value = {k: v for k, v in cast("dict[str, object]", value).items() if k in inner}
        kept[key] = value
    try:
        return DrivenConfig.from_document(kept)
    except ConfigurationError as error:
        message = f"{where}: {error}"
        raise ConfigurationError(message) from error


def check_keys(document: Mapping[str, object], where: str) -> None:
    """Refuses keys that would have no effect, because the program's own card says such things.

    Args:
        document: as written, with `generator`.
        where: name of the file, for messages.

    Raises:
        ConfigurationError: naming the key.
    """
    for key, value in document.items():
        if key == "process":
            message = f"{where}: process and generator: a run has one of them"
            raise ConfigurationError(message)
        if key not in KEYS:
            raise _meaningless(where, key)
        allowed = KEYS[key]
        if key in ("generate", "generator") and value is None:
            message = f"{where}: {key}: a run with generator makes events; null is not allowed"
            raise ConfigurationError(message)
        if allowed is not None and isinstance(value, dict):
            for inner in cast("dict[str, object]", value):
                if inner not in allowed:
                    raise _meaningless(where, f"{key}.{inner}")


def _meaningless(where: str, key: str) -> ConfigurationError:
    known = [k if v is None else f"{k}.{{{', '.join(sorted(v))}}}" for k, v in KEYS.items()]
    message = (
        f"{where}: {key} has no meaning with generator, whose own card says such things; "
        f"allowed are {', '.join(known)}"
    )
    return ConfigurationError(message)
