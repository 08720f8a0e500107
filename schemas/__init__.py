"""JSON Schemas of run files, reports, events and component options, with their loader."""

if not __name__.startswith("crosshook."):
    _message = (
        f"this folder is the package crosshook.schemas and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)

import json
from functools import lru_cache
from importlib import resources


@lru_cache
def load_text(name: str) -> str:
    """The text of one schema of this package, by its path without `.json`, e.g. `v1/run`."""
    return resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")


def load(name: str) -> dict[str, object]:
    """One schema of this package as a fresh mapping, e.g. `load("v1/run")`."""
    schema: dict[str, object] = json.loads(load_text(name))
    return schema


def names() -> list[str]:
    """Every schema of this package, e.g. `["v1/events", "v1/run", ...]`."""
    root = resources.files(__name__)
    found: list[str] = []

    def walk(prefix: str) -> None:
        for item in root.joinpath(prefix).iterdir():
            path = f"{prefix}/{item.name}" if prefix else item.name
            if item.is_dir() and item.name != "__pycache__":
                walk(path)
            elif item.name.endswith(".json"):
                found.append(path.removesuffix(".json"))

    walk("")
    return sorted(found)
