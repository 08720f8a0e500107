"""From a process in words to a library and the run-file options that use it, kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from crosshook.adapters.amplicol.build import LIBRARY, Sources, build
from crosshook.adapters.amplicol.channels import channels, stable_widths
from crosshook.adapters.amplicol.enumeration import Amplitude, amplitudes, words
from crosshook.adapters.amplicol.environment import cache_folder, find_environment, install
from crosshook.adapters.amplicol.generate import Accuracy, card, generate
from crosshook.adapters.amplicol.leading_flows import leading_flows, strings_of
from crosshook.adapters.amplicol.outcome import flow_of, read_outcome, read_parameters
from crosshook.adapters.amplicol.request import parse
from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.compiler import find_compiler
from crosshook.core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from crosshook.adapters.amplicol.environment import Environment
    from crosshook.adapters.amplicol.outcome import Outcome
    from crosshook.adapters.amplicol.trees import Trees
    from crosshook.core.interfaces.matrix_element import ColourFlow

MODEL: Final = "built-in-sm"
ALPHA_S: Final = "normalization.alpha_s_me_check"
"""pyAmpliCol's parameter for the strong coupling of its built-in model."""

AMPLITUDES: Final = "amplitudes"
FLOWS: Final = "flows"
OPTIONS: Final = "process.json"


@dataclass(frozen=True)
class Wanted:
    """What decides about a library.

    Attributes:
        process: in words, one blank between particles.
        accuracy: of the colour sum.
        parameters: of the model that differ from pyAmpliCol's: `mass_6`, `width_23`, `alpha_ew` …
        model: as pyAmpliCol names it.
    """

    process: str
    accuracy: Accuracy = "full"
    parameters: Mapping[str, float] = field(default_factory=dict)
    model: str = MODEL

    def folder(self, version: str) -> Path:
        """Where its library is kept.

        Args:
            version: of pyAmpliCol.
        """
        provider = files("crosshook.adapters.amplicol").joinpath("provider.c").read_bytes()
        key = {**asdict(self), "version": version, "provider": provider.decode()}
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        name = re.sub(r"[^a-z0-9]+", "-", self.process.replace("~", "bar").lower())
        return cache_folder() / "amplicol" / "processes" / f"{name.strip('-')}-{digest[:12]}"


@dataclass(frozen=True)
class Generated:
    """A library and how to use it.

    Attributes:
        folder: of the library.
        options: of the process `umami`.
        fresh: it was not in the cache.
    """

    folder: Path
    options: dict[str, object]
    fresh: bool = False

    def facts(self) -> Mapping[str, str]:
        """For people, in order."""
        found = "generated" if self.fresh else "from the cache"
        return {"library": str(self.folder / LIBRARY), "amplitudes": found}

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {"folder": str(self.folder), "fresh": self.fresh, "options": self.options}

    def fragment(self, pdg: Sequence[int]) -> tuple[dict[str, object], tuple[str, ...]]:
        """The `process:` of a run file; nothing is left to fill in."""
        return {"umami": self.options}, ()


def cached(wanted: Wanted, version: str) -> Generated | None:
    """The library, if it was generated before.

    Args:
        wanted: process and options.
        version: of pyAmpliCol.
    """
    folder = wanted.folder(version)
    try:
        options = json.loads((folder / OPTIONS).read_text("utf-8"))
    except OSError:
        return None
    if not (folder / LIBRARY).is_file():
        return None
    for entry in options["subprocesses"]:
        entry["library"] = str(folder / LIBRARY)
    return Generated(folder, options)


def new_library(wanted: Wanted, environment: Path | None, say: Callable[[str], None]) -> Generated:
    """Generates and compiles amplitudes, unless the cache has them.

    Args:
        wanted: process and options.
        environment: with pyAmpliCol; if None, crosshook's own.
        say: told what takes long.

    Raises:
        ConfigurationError: if the process is impossible or a parameter unknown.
        ProgramError: if pyAmpliCol, pip or the compiler is missing or fails.
    """
    chosen = find_environment(environment)
    found = cached(wanted, chosen.version)
    if found is not None:
        return found
    groups = amplitudes(parse(wanted.process))
    find_compiler()
    install(chosen, say)
    folder = wanted.folder(chosen.version)
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        options = _generate(wanted, chosen, groups, part, folder, say)
        (part / OPTIONS).write_text(json.dumps(options, indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    result = cached(wanted, chosen.version)
    assert result is not None
    return Generated(result.folder, result.options, fresh=True)


def _generate(
    wanted: Wanted,
    environment: Environment,
    groups: Sequence[Amplitude],
    part: Path,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, object]:
    """Writes amplitudes and library into `part`, to be renamed to `folder`."""
    processes = [group.label for group in groups]
    order = groups[0].trees.electroweak_order or 0
    colour = {"full": "full colour", "leading-colour": "leading colour"}[wanted.accuracy]
    partons = sum(len(group.members) for group in groups)
    count = f"{partons} partonic processes, {len(groups)} different amplitudes"
    say(f"{wanted.process}: {count}, {colour}; pyAmpliCol takes about 10 s for each")
    text = card(processes, order, wanted.accuracy, wanted.model, part / AMPLITUDES)
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    generate(environment, text, part, log, say)
    drawn = any(len(possible_flows(group.trees.pdg, 2)) != 1 for group in groups)
    if drawn and wanted.accuracy == "full":
        say("leading-colour amplitudes, to draw colour flows with")
        text = card(processes, order, "leading-colour", wanted.model, part / FLOWS)
        generate(environment, text, part, log, say)
    directory = FLOWS if drawn and wanted.accuracy == "full" else AMPLITUDES
    outcomes = [_outcome(group, part / directory, number) for number, group in enumerate(groups)]
    numbers = [_drawn(g.trees, outcome) for g, outcome in zip(groups, outcomes, strict=True)]
    flows = [
        _flows(group.trees, outcome, kept)
        for group, outcome, kept in zip(groups, outcomes, numbers, strict=True)
    ]
    known = read_parameters(part / AMPLITUDES)
    changed = {**stable_widths([group.trees for group in groups], known), **wanted.parameters}
    values = _parameters(changed, known)
    masses = _masses(groups, values)
    sources = Sources(
        folder,
        AMPLITUDES,
        directory,
        masses,
        tuple(max(1, len(outcome.words)) for outcome in outcomes),
        tuple(numbers),
        groups[0].trees.strong_order,
        ALPHA_S,
        {_long_name(name): value for name, value in changed.items()},
    )
    say("compiling")
    build(environment, sources, part)
    return {
        "name": wanted.process,
        "subprocesses": [
            {
                "library": LIBRARY,
                "flavor_index": number,
                "pdg": list(member.pdg),
                "mirror": member.mirror,
                "orders": {"qcd": group.trees.strong_order, "qed": order},
                "colour_flows": [[list(line) for line in flow] for flow in flows[number]],
                "process_id": number + 1,
            }
            for number, group in enumerate(groups)
            for member in group.members
        ],
        "masses": list(masses),
        "channels": channels([group.trees for group in groups], values),
        "alpha_qed": values["alpha_ew"],
    }


def _outcome(group: Amplitude, folder: Path, number: int) -> Outcome:
    """What pyAmpliCol wrote of an amplitude, known to be the one that was asked for."""
    outcome = read_outcome(folder, number)
    trees = group.trees
    if (outcome.pdg, outcome.strong_order) != (trees.pdg, trees.strong_order):
        message = (
            f"{folder}: pyAmpliCol generated legs {list(outcome.pdg)} with strong order "
            f"{outcome.strong_order} for {group.label}; expected were {list(trees.pdg)} and "
            f"{trees.strong_order}"
        )
        raise InputError(message)
    return outcome


def _drawn(trees: Trees, outcome: Outcome) -> tuple[int, ...]:
    """Numbers of the colour flows that events may have: those of leading colour."""
    if len(possible_flows(trees.pdg, 2)) == 1:
        return (0,)
    leading = leading_flows(trees)
    found = [n for n, word in enumerate(outcome.words) if strings_of(word, trees) in leading]
    if len(found) != len(leading):
        message = (
            f"{words(trees.pdg)}: pyAmpliCol has {len(found)} of the {len(leading)} colour flows "
            "that there are at leading colour"
        )
        raise InputError(message)
    return tuple(found)


def _flows(trees: Trees, outcome: Outcome, drawn: Sequence[int]) -> tuple[ColourFlow, ...]:
    """The colour flows of an amplitude, in the order in which its library numbers them."""
    only = possible_flows(trees.pdg, 2)
    if len(only) == 1:
        return only
    return tuple(flow_of(outcome.words[number], trees.pdg) for number in drawn)


def _parameters(changed: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float]:
    """The model's parameters, the changed ones replaced."""
    settable = [name for name in known if name != "alpha_s"]
    for name in changed:
        if name not in settable:
            message = f"parameter {name!r}: unknown; known are {', '.join(settable)}"
            raise ConfigurationError(message)
    return {**known, **changed}


def _long_name(name: str) -> str:
    """`mass_6` as the runtime calls it: `particle.6.mass`."""
    kind, _, number = name.partition("_")
    return f"particle.{number}.{kind}" if number.isdigit() else f"normalization.{name}"


def _masses(groups: Sequence[Amplitude], values: Mapping[str, float]) -> tuple[float, ...]:
    """Masses of the legs, the same for every process.

    Raises:
        ConfigurationError: if they are not.
    """
    found = {
        tuple(values.get(f"mass_{abs(pdg)}", 0.0) for pdg in group.trees.pdg): group.label
        for group in groups
    }
    if len(found) > 1:
        message = (
            f"{' and '.join(found.values())} have legs of different masses; generate them apart"
        )
        raise ConfigurationError(message)
    return next(iter(found))
