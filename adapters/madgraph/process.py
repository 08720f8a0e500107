"""The process component `madgraph`: subprocesses out of a process directory, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook.adapters.madgraph.colour_flows import leading_flows
from crosshook.adapters.madgraph.directory import ALL_IN_ONE, CARD, library_kind, loadable
from crosshook.adapters.madgraph.evaluator import Evaluator, Order
from crosshook.adapters.madgraph.param_card import read_param_card
from crosshook.adapters.madgraph.source import MadGraphSource
from crosshook.adapters.madspace.space import space_maker
from crosshook.core.amplitudes.description import (
    assemble,
    colour_flows_of,
    contributions_of,
    incoming_count,
)
from crosshook.core.amplitudes.options import ProcessOptions
from crosshook.core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from crosshook.adapters.madgraph.evaluator import CallKind
    from crosshook.adapters.madgraph.param_card import ParamCard
    from crosshook.core.amplitudes.assembled import AssembledProcess
    from crosshook.core.amplitudes.options import Plain
    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.matrix_element import ColourFlow

WHERE = "process.madgraph"


def make_madgraph(
    context: BuildContext,
    *,
    directory: str,
    card: str,
    subprocesses: list[Plain],
    channels: list[Plain],
    fall: float,
    initial: str,
    resonances: list[Plain],
    reference: list[Plain],
    phase_space: str,
    invariance: float,
    alpha_qed: float,
    name: str,
) -> AssembledProcess:
    """Builds a process out of code that MadGraph generated.

    Args:
        context: gives the device.
        directory: the process directory.
        card: parameter card; that of the directory if left out.
        subprocesses: what is called, with the flavours it stands for.
        channels: of the phase space, by their propagators.
        fall: power of ŝ out of hadrons.
        initial: what collides, or a decay.
        resonances: intermediate particles to write.
        reference: stored |M|² to compare with.
        phase_space: whose maps, `crosshook` or `madspace`.
        invariance: change of |M|² allowed in another frame.
        alpha_qed: written with the events.
        name: for people.

    Raises:
        ConfigurationError: if what is said does not fit the directory.
        InputError: if a file is missing, or cannot be opened.
        NumericalError: if the amplitudes fail the self-test.
    """
    root = Path(directory)
    if not root.is_dir():
        message = f"{WHERE}.directory: {directory}: no such directory"
        raise InputError(message)
    parameters = read_param_card(Path(card) if card else root / CARD)
    n_in = incoming_count(initial)
    sources: dict[tuple[Order, tuple[ColourFlow, ...]], MadGraphSource] = {}
    chosen: list[MadGraphSource] = []
    completed = []
    for number, given in enumerate(subprocesses):
        place = f"{WHERE}.subprocesses[{number}]"
        order = order_of(root, given, parameters, place)
        pdg = tuple(cast("list[int]", given["pdg"]))
        masses = tuple(map(parameters.mass, pdg))
        if chosen and masses != chosen[0].masses:
            message = (
                f"{place}.pdg: legs of the masses {list(masses)} GeV, but the first subprocess "
                f"has {list(chosen[0].masses or ())}; run them one by one"
            )
            raise ConfigurationError(message)
        listed = given.get("colour_flows") or [
            [list(line) for line in flow] for flow in leading_flows(pdg, n_in)
        ]
        completed.append({**given, "colour_flows": listed})
        flows = colour_flows_of(cast("list[list[list[int]]]", listed), pdg, n_in, place)
        key = (order, flows)
        if key not in sources:
            sources[key] = MadGraphSource(Evaluator(order), flows, masses)
        chosen.append(sources[key])
    options = ProcessOptions(
        masses=(),
        channels=channels,
        fall=fall,
        initial=initial,
        resonances=resonances,
        reference=reference,
        alpha_qed=alpha_qed,
        name=name,
        invariance=invariance,
        maker=space_maker(phase_space),
    )
    contributions = contributions_of(completed, chosen, n_in, WHERE)
    return assemble(contributions, options, chosen[0].masses, context.torch_device, WHERE)


def order_of(root: Path, given: Plain, card: ParamCard, place: str) -> Order:
    """What the worker is to open for a subprocess.

    Args:
        root: the process directory.
        given: the subprocess, as the run file has it.
        card: parameter card.
        place: path in the run file, for messages.

    Raises:
        InputError: if it cannot be called.
    """
    path = root / str(given["file"])
    if not path.is_file():
        message = (
            f"{place}.file: {path}: no such file; `crosshook process add {root}` finds what is "
            "built, and says how to build what is not"
        )
        raise InputError(message)
    kind: CallKind
    if path.name.endswith(".py") or "py." in path.name:
        if not loadable(path):
            message = f"{place}.file: {path}: built for another Python; build it with this one"
            raise InputError(message)
        kind = "all_matrix2py" if ALL_IN_ONE.match(path.name) else "matrix2py"
    elif library_kind(path) == "bridge":
        kind = "bridge"
    else:
        message = (
            f"{place}.file: {path}: neither a module of `make matrix2py.so` nor a library with "
            "fbridgecreate_; libraries behind UMAMI are for the process umami"
        )
        raise InputError(message)
    pdg = cast("list[int]", given["pdg"])
    return Order(
        kind=kind,
        path=str(path.resolve()),
        card=str(card.path.resolve()),
        pdg=tuple(pdg) if kind == "all_matrix2py" else (0,) * len(pdg),
        process=cast("int", given.get("process", -1)),
        takes_graph=kind == "bridge" and takes_graph(root, place),
    )


def takes_graph(root: Path, place: str) -> bool:
    """Whether the bridges of a directory take the number of a graph: newer ones do.

    Raises:
        InputError: if the directory no longer tells.
    """
    header = root / "SubProcesses" / "fbridge.inc"
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = (
            f"{place}.file: {header}: needed to know how the library is called: {error.strerror}"
        )
        raise InputError(message) from error
    return "IGRAPH" in text.upper()
