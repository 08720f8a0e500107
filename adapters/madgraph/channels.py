"""Channels of the phase space from the diagrams of generated code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crosshook.adapters.madgraph.generated_code import CodeLine, GeneratedCode
    from crosshook.adapters.madgraph.param_card import ParamCard
    from crosshook.core.amplitudes.options import Plain


def channels_of(
    codes: Sequence[GeneratedCode],
    card: ParamCard,
    masses: Sequence[float],
    n_incoming: int,
    *,
    with_diagrams: bool = False,
) -> tuple[list[Plain], tuple[str, ...]]:
    """Channels as a run file lists them: the diagrams with vertices of three legs only, each once.

    Args:
        codes: of the subprocesses, all with the same number of legs.
        card: gives masses and widths of the propagators.
        masses: of the legs in GeV.
        n_incoming: 1 or 2.
        with_diagrams: name the diagrams of each channel; for one code only.

    Returns:
        The channels, and parameters of their propagators that the card does not tell.
    """
    found: dict[tuple[object, ...], tuple[str, list[Plain], list[int]]] = {}
    unknown: dict[str, None] = {}
    for code in codes:
        prefix = f"{code.path.parent.name}." if len(codes) > 1 else "diagram-"
        for diagram in code.diagrams:
            if len(diagram.lines) != code.legs - 3:
                continue
            lines = [_line(line, card, masses, n_incoming, unknown) for line in diagram.lines]
            key = tuple(sorted(str(line) for line in lines))
            _, _, numbers = found.setdefault(key, (f"{prefix}{diagram.number}", lines, []))
            numbers.append(diagram.number - 1)
    channels: list[Plain] = []
    for name, lines, numbers in found.values():
        channel: Plain = {"name": name}
        if with_diagrams:
            channel["diagrams"] = numbers
        channels.append({**channel, "propagators": lines})
    return channels, tuple(unknown)


def _line(
    line: CodeLine,
    card: ParamCard,
    masses: Sequence[float],
    n_incoming: int,
    unknown: dict[str, None],
) -> Plain:
    """A propagator; the mass of one that decays is left out where it never is on its shell."""
    legs = _side(line.legs, len(masses), n_incoming)
    mass, width = _known(line.mass, card, unknown), _known(line.width, card, unknown)
    plain: Plain = {"legs": sorted(legs)}
    if legs & set(range(n_incoming)):
        return {**plain, "mass": mass} if mass else plain
    if mass and width and mass > sum(masses[leg] for leg in legs):
        return {**plain, "mass": mass, "width": width}
    return plain


def _known(name: str, card: ParamCard, unknown: dict[str, None]) -> float:
    value = card.symbol(name)
    if value is None:
        unknown[name] = None
    return value or 0.0


def _side(legs: Iterable[int], count: int, n_incoming: int) -> frozenset[int]:
    """The side with final legs only, or else that of the first beam."""
    one = frozenset(legs)
    incoming = frozenset(range(n_incoming))
    if incoming <= one or (1 in one and 0 not in one and n_incoming == 2):
        return frozenset(range(count)) - one
    return one
