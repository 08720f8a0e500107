"""AssembledProcess: amplitude sources and a description of their phase space as one `Process`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import SquaredAmplitude, Subprocess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.amplitudes.contribution import ChannelDescription, Contribution
    from crosshook.core.interfaces.matrix_element import CheckPoint
    from crosshook.core.interfaces.process import (
        BeamSetup,
        PhaseSpace,
        ProcessDefaults,
        Resonance,
    )
    from crosshook.core.phase_space.described import DescribedSpace, SpaceMaker
    from crosshook.core.phase_space.diagram import Line


def with_mirror_images(
    channels: tuple[ChannelDescription, ...], needed: bool, legs: int
) -> tuple[tuple[ChannelDescription, ...], tuple[int, ...]]:
    """Adds the channels that mirrored subprocesses need and nobody described.

    Args:
        channels: as described for the subprocesses as they are.
        needed: whether any subprocess is mirrored.
        legs: number of external legs.

    Returns:
        All channels, and for each the number of that with the beams exchanged.
    """
    everything, image = list(channels), list(range(len(channels)))
    if needed:
        known = {_as_set(channel.lines, legs): n for n, channel in enumerate(channels)}
        for number, channel in enumerate(channels):
            lines = tuple(line.mirrored() for line in channel.lines)
            if not any(_exchanged(line.legs) for line in lines):
                continue
            described = known.get(_as_set(lines, legs))
            if described is not None:
                image[number] = described
                continue
            image[number] = len(everything)
            image.append(number)
            name = f"{channel.name}~"
            everything.append(replace(channel, name=name, lines=lines, diagrams=()))
    return tuple(everything), tuple(image)


def _as_set(lines: tuple[Line, ...], legs: int) -> frozenset[Line]:
    """Propagators in any order, each by the side that beam 1 is not on."""
    everything = frozenset(range(legs))
    return frozenset(
        replace(line, legs=everything - line.legs) if 0 in line.legs else line for line in lines
    )


def _exchanged(legs: frozenset[int]) -> bool:
    return (0 in legs) != (1 in legs)


@dataclass
class AssembledAmplitudes:
    """MatrixElement of several contributions.

    Attributes:
        contributions: what is summed.
        masses: mass of each leg in GeV.
        channels: of the phase space, mirror images included.
        mirror_images: for each channel that with the beams exchanged.
        alpha_qed: written with the events.
        subprocesses: as the contributions say.
        parameters: none: those of the sources stay as they were loaded.
    """

    contributions: tuple[Contribution, ...]
    masses: tuple[float, ...]
    channels: tuple[ChannelDescription, ...] = ()
    mirror_images: tuple[int, ...] = ()
    alpha_qed: float = -1.0
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_diagrams = any(channel.diagrams for channel in self.channels)
        keys = [(id(c.source), c.flavour, c.identical) for c in self.contributions]
        self.subprocesses = tuple(
            Subprocess(
                pdg=c.pdg,
                amplitude=keys.index(key),
                process_id=c.process_id,
                label=c.label,
                colour_flows=c.colour_flows,
                mirror=c.mirror,
                qcd_order=c.qcd_order,
                qed_order=c.qed_order,
                mirror_channels=self.mirror_images if by_diagrams else (),
                chooses_colour=len(c.colour_flows) > 1,
            )
            for c, key in zip(self.contributions, keys, strict=True)
        )

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, m, 4)`; with it `channels`, and `colour` where there is one flow."""
        if theta is not None and theta.shape[-1]:
            message = f"{self.subprocesses[subprocess].label}: has no parameters to replace"
            raise ConfigurationError(message)
        chosen = self.contributions[subprocess]
        by_diagrams = "channels" in want
        found = chosen.source.evaluate(momenta, alpha_s, chosen.flavour, diagrams=by_diagrams)
        value = found.squared / chosen.identical if chosen.identical != 1 else found.squared
        colour = None
        if "colour" in want and len(chosen.colour_flows) == 1:
            colour = torch.ones_like(value)[:, None]
        channels = None
        if by_diagrams and found.diagrams is not None:
            channels = self._channels(found.diagrams)
        return SquaredAmplitude(value, colour, channels)

    def choose_colour(
        self, momenta: Tensor, subprocess: int, alpha_s: Tensor, uniform: Tensor
    ) -> Tensor:
        """Number of each event's colour flow as its source draws it; see `ColourChoosing`."""
        chosen = self.contributions[subprocess]
        found = chosen.source.evaluate(
            momenta, alpha_s, chosen.flavour, colour_uniform=uniform
        ).colour_flow
        assert found is not None
        last = len(chosen.colour_flows) - 1
        wrong = found[(found < 0) | (found > last)]
        if len(wrong):
            message = (
                f"{chosen.source.name}: chose colour flow {int(wrong[0])} of {chosen.label}; "
                f"colour_flows lists {last + 1}, counted from 0"
            )
            raise ConfigurationError(message)
        return found

    def _channels(self, diagrams: Tensor) -> Tensor:
        """Σ |M_i|² over the diagrams of each channel, `(n, k)`."""
        zero = torch.zeros_like(diagrams[:, 0])
        return torch.stack(
            [diagrams[:, list(c.diagrams)].sum(1) if c.diagrams else zero for c in self.channels],
            dim=1,
        )


@dataclass
class AssembledProcess:
    """Process made of contributions.

    Attributes:
        name: for people.
        amplitudes: of all contributions.
        space: masses and diagrams.
        defaults: what the run file may leave out.
        resonances: intermediate particles to write.
        checkpoints: stored amplitudes, compared at load.
        maker: of the phase space, if not crosshook's own maps.
    """

    name: str
    amplitudes: AssembledAmplitudes
    space: DescribedSpace
    defaults: ProcessDefaults
    resonances: tuple[Resonance, ...] = ()
    checkpoints: tuple[CheckPoint, ...] = ()
    maker: SpaceMaker | None = None

    def matrix_element(self) -> AssembledAmplitudes:
        """The amplitudes."""
        return self.amplitudes

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        """One channel per diagram described; RAMBO where there is none."""
        if beams.hadronic != self.defaults.hadronic:
            message = f"{self.name}: beams {beams.pdg} do not fit its initial state"
            raise ConfigurationError(message)
        if self.maker is not None:
            return self.maker(self.space, beams, cuts)
        return self.space.build(beams, cuts)
