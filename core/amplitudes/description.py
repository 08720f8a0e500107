"""The options every amplitude source shares, from run files to an `AssembledProcess`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook.core.amplitudes.assembled import (
    AssembledAmplitudes,
    AssembledProcess,
    with_mirror_images,
)
from crosshook.core.amplitudes.colour import colour_ends, possible_flows
from crosshook.core.amplitudes.contribution import ChannelDescription, Contribution
from crosshook.core.errors import ConfigurationError
from crosshook.core.events.particle_names import particle_name
from crosshook.core.interfaces.matrix_element import CheckPoint
from crosshook.core.interfaces.process import ProcessDefaults, Resonance
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.process.self_test import check_generic_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from crosshook.core.amplitudes.options import Plain, ProcessOptions
    from crosshook.core.amplitudes.source import AmplitudeSource
    from crosshook.core.interfaces.matrix_element import ColourFlow

MASSLESS = frozenset({1, 2, 3, 4, 11, 12, 13, 14, 16, 21, 22})
"""Absolute PDG ids that have no mass unless the options say so."""

PARTONS = frozenset({1, 2, 3, 4, 5, 21})

TEST_ENERGY = 500.0
"""√ŝ of the self-test in GeV, or four times the masses where that is more."""


def leg_masses(
    pdg: Sequence[int], given: Sequence[float], told: tuple[float, ...] | None, where: str
) -> tuple[float, ...]:
    """The mass of each leg.

    Args:
        pdg: PDG ids of the legs.
        given: masses of the options; empty if left out.
        told: those the source tells, or None.
        where: path in the run file, for messages.

    Raises:
        ConfigurationError: if they are not known, or contradict each other.
    """
    if given and len(given) != len(pdg):
        message = f"{where}.masses: {len(given)} masses for {len(pdg)} legs"
        raise ConfigurationError(message)
    masses = told if told is not None else tuple(float(m) for m in given)
    for leg, (one, other) in enumerate(zip(masses, given or masses, strict=True)):
        if abs(one - other) > 1e-6 * max(1.0, one):
            message = f"{where}.masses[{leg}]: {other} GeV, but its library has {one} GeV"
            raise ConfigurationError(message)
    if masses:
        return masses
    heavy = [p for p in pdg if abs(p) not in MASSLESS]
    if heavy:
        message = (
            f"{where}.masses: needed in GeV, one for each leg of {list(pdg)}: "
            f"the source does not tell that of {heavy[0]}"
        )
        raise ConfigurationError(message)
    return (0.0,) * len(pdg)


def contributions_of(
    subprocesses: Sequence[Plain],
    sources: Sequence[AmplitudeSource],
    n_incoming: int,
    where: str,
) -> tuple[Contribution, ...]:
    """Subprocesses as the options list them, with their sources.

    Raises:
        ConfigurationError: if a source does not fit what is said of it.
    """
    found = []
    for number, (given, source) in enumerate(zip(subprocesses, sources, strict=True)):
        place = f"{where}.subprocesses[{number}]"
        pdg = tuple(cast("list[int]", given["pdg"]))
        first = cast("list[int]", subprocesses[0]["pdg"])
        if len(pdg) != len(first):
            message = f"{place}.pdg: {len(pdg)} legs, but the first subprocess has {len(first)}"
            raise ConfigurationError(message)
        if source.legs not in (0, len(pdg)):
            message = f"{place}.pdg: {len(pdg)} legs, but {source.name} has {source.legs}"
            raise ConfigurationError(message)
        flavour = cast("int", given.get("flavor_index", 0))
        if flavour and not source.takes_flavour:
            message = f"{place}.flavor_index: {flavour}, but {source.name} has no flavours"
            raise ConfigurationError(message)
        orders = cast("dict[str, int]", given.get("orders", {}))
        qcd = orders.get("qcd", 0)
        if qcd and not source.takes_alpha_s:
            message = (
                f"{place}.orders.qcd: {qcd}, but {source.name} takes no α_s: it has one of its "
                "own, which the run's scales do not change; leave qcd out"
            )
            raise ConfigurationError(message)
        found.append(
            Contribution(
                source=source,
                flavour=flavour,
                pdg=pdg,
                process_id=cast("int", given.get("process_id", number + 1)),
                label=cast("str", given.get("label")) or label_of(pdg, n_incoming),
                colour_flows=_flows(given, pdg, n_incoming, source, place),
                identical=cast("int", given.get("identical", 1)),
                mirror=cast("bool", given.get("mirror", False)),
                qcd_order=qcd,
                qed_order=orders.get("qed", 0),
            )
        )
    return tuple(found)


def label_of(pdg: Sequence[int], n_incoming: int) -> str:
    """`g g > t t~` from PDG ids."""
    names = [particle_name(number) for number in pdg]
    return f"{' '.join(names[:n_incoming])} > {' '.join(names[n_incoming:])}"


def colour_flows_of(
    listed: Sequence[list[list[int]]], pdg: tuple[int, ...], n_incoming: int, place: str
) -> tuple[ColourFlow, ...]:
    """Colour flows as the options list them, or the only one there is.

    Raises:
        ConfigurationError: if they are none of these legs, or there are several and none is listed.
    """
    if listed:
        flows = tuple(tuple((line[0], line[1]) for line in flow) for flow in listed)
        _check_flows(flows, pdg, n_incoming, place)
        return flows
    flows = possible_flows(pdg, n_incoming)
    if len(flows) != 1:
        message = (
            f"{place}.colour_flows: needed: {label_of(pdg, n_incoming)} has several; list "
            "them as event files have them, in the order of the source"
        )
        raise ConfigurationError(message)
    return flows


def _flows(
    given: Plain, pdg: tuple[int, ...], n_incoming: int, source: AmplitudeSource, place: str
) -> tuple[ColourFlow, ...]:
    listed = cast("list[list[list[int]]]", given.get("colour_flows", []))
    flows = colour_flows_of(listed, pdg, n_incoming, place)
    number = source.n_colour_flows
    if number is None:
        return flows
    # of several flavours, it is that of the one with the most
    fits = number >= len(flows) if source.takes_flavour else number == len(flows)
    if len(flows) > 1 and not fits:
        has = number or "none to choose among"
        message = f"{place}.colour_flows: {len(flows)} listed, but {source.name} has {has}"
        raise ConfigurationError(message)
    return flows


def _check_flows(
    flows: Sequence[ColourFlow], pdg: tuple[int, ...], n_incoming: int, place: str
) -> None:
    for number, flow in enumerate(flows):
        ends: list[int] = []
        for leg, (colour, anticolour) in enumerate(flow):
            # an incoming colour ends where an outgoing one begins
            ends += [colour, -anticolour] if leg >= n_incoming else [anticolour, -colour]
        lines = sorted(end for end in ends if end)
        carried = [tuple(map(bool, line)) for line in flow]
        if (
            len(flow) != len(pdg)
            or lines != sorted(-line for line in lines)
            or carried != [colour_ends(p) for p in pdg]
        ):
            message = (
                f"{place}.colour_flows[{number}]: {[list(line) for line in flow]} is no flow of "
                f"{label_of(pdg, n_incoming)}: every line has two ends, and every leg its own"
            )
            raise ConfigurationError(message)


def channels_of(
    given: Sequence[Plain], sources: Sequence[AmplitudeSource], where: str
) -> tuple[ChannelDescription, ...]:
    """Channels as the options list them.

    Raises:
        ConfigurationError: if a name is there twice, or a diagram is not there.
    """
    found = []
    for number, each in enumerate(given):
        place = f"{where}.channels[{number}]"
        lines = tuple(
            Line(
                frozenset(cast("list[int]", p["legs"])),
                float(cast("float", p.get("mass", 0.0))),
                float(cast("float", p.get("width", 0.0))),
                float(cast("float", p.get("power", 1.0))),
            )
            for p in cast("list[Plain]", each.get("propagators", []))
        )
        diagrams = tuple(cast("list[int]", each.get("diagrams", [])))
        for source in sources:
            if diagrams and max(diagrams) >= source.n_diagrams:
                has = source.n_diagrams or "no diagrams to weigh channels with"
                message = f"{place}.diagrams: {max(diagrams)}, but {source.name} has {has}"
                raise ConfigurationError(message)
        name = cast("str", each.get("name", f"channel-{number + 1}"))
        transverse = cast("bool", each.get("transverse", False))
        found.append(ChannelDescription(name, lines, diagrams, transverse))
    names = [c.name for c in found]
    if len(set(names)) < len(names):
        message = f"{where}.channels: {', '.join(names)}: each name once"
        raise ConfigurationError(message)
    with_diagrams = [bool(c.diagrams) for c in found]
    if any(with_diagrams) and not all(with_diagrams):
        message = (
            f"{where}.channels: {names[with_diagrams.index(False)]} has no diagrams and others "
            "have: a channel without is never drawn; give diagrams to all or to none"
        )
        raise ConfigurationError(message)
    return tuple(found)


def incoming_count(initial: str) -> int:
    """Number of incoming legs for the option `initial`."""
    return 1 if initial == "decay" else 2


def assemble(
    contributions: tuple[Contribution, ...],
    options: ProcessOptions,
    told: tuple[float, ...] | None,
    device: torch.device,
    where: str,
) -> AssembledProcess:
    """The process, its amplitudes tested.

    Args:
        contributions: what is summed.
        options: as the run file has them.
        told: masses of the legs as the source tells them, or None.
        device: where amplitudes are evaluated.
        where: path in the run file, for messages.

    Raises:
        ConfigurationError: if the options contradict each other or the sources.
        NumericalError: if amplitudes fail the self-test.
    """
    pdg = contributions[0].pdg
    initial = options.initial
    if initial == "auto":
        partons = all(abs(p) in PARTONS for c in contributions for p in c.pdg[:2])
        initial = "protons" if partons else "fixed"
    n_in = incoming_count(initial)
    if len(pdg) < n_in + 2:
        message = f"{where}: {len(pdg)} legs; needed are {n_in} incoming and at least 2 outgoing"
        raise ConfigurationError(message)
    masses = leg_masses(pdg, options.masses, told, where)
    if n_in == 2 and any(masses[:2]):
        message = f"{where}.masses: {list(masses[:2])} of the incoming legs; only 0 is possible"
        raise ConfigurationError(message)
    described = channels_of(options.channels, [c.source for c in contributions], where)
    mirrored = any(c.mirror for c in contributions)
    channels, images = with_mirror_images(described, mirrored, len(pdg))
    amplitudes = AssembledAmplitudes(
        contributions, masses, channels, images, float(options.alpha_qed)
    )
    space = DescribedSpace(
        masses[n_in:],
        n_in,
        {c.name: c.lines for c in channels},
        float(options.fall),
        pdg[n_in:],
        frozenset(c.name for c in channels if c.transverse),
    )
    name = options.name or ", ".join(dict.fromkeys(c.label for c in contributions))
    scale = "m" if all(colour_ends(p) == (False, False) for p in pdg) else "sum_pt"
    defaults = ProcessDefaults(
        beams={"protons": (2212, 2212), "decay": (pdg[0], 0)}.get(initial, (pdg[0], pdg[1])),
        hadronic=initial == "protons",
        energy={"protons": 13000.0, "decay": masses[0]}.get(initial, 1000.0),
        renormalisation=scale,
        factorisation=scale,
    )
    test_energy = masses[0] if n_in == 1 else max(TEST_ENERGY, 4 * sum(masses))
    check_generic_points(amplitudes, name, test_energy, n_in, device, options.invariance)
    return AssembledProcess(
        name,
        amplitudes,
        space,
        defaults,
        resonances_of(options.resonances),
        _checkpoints(options, where),
        options.maker,
    )


def resonances_of(given: Sequence[Plain]) -> tuple[Resonance, ...]:
    """Intermediate particles to write, as the options list them."""
    return tuple(
        Resonance(cast("int", r["pdg"]), tuple(cast("list[int]", r["legs"]))) for r in given
    )


def _checkpoints(options: ProcessOptions, where: str) -> tuple[CheckPoint, ...]:
    """Stored amplitudes as the options list them."""
    return tuple(
        CheckPoint(
            subprocess=cast("int", point.get("subprocess", 0)),
            momenta=tuple(
                (float(p[0]), float(p[1]), float(p[2]), float(p[3]))
                for p in cast("list[list[float]]", point["momenta"])
            ),
            alpha_s=float(cast("float", point.get("alpha_s", 0.118))),
            value=float(cast("float", point["value"])),
            tolerance=float(cast("float", point.get("tolerance", 1e-6))),
            origin=cast("str", point.get("origin", f"{where}.reference[{number}]")),
            invariance=options.invariance,
        )
        for number, point in enumerate(options.reference)
    )
