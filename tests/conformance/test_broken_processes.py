"""Processes and parton densities: the built-in ones with one defect each, and what is found."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.component import Capabilities
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.matrix_element import MatrixElement, SquaredAmplitude
    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.interfaces.process import (
        BeamSetup,
        PhaseSpace,
        PhaseSpacePoint,
        Process,
    )


class TopPairs:
    """The built-in pp → tt̄, to be spoilt."""

    def __init__(self, context: BuildContext) -> None:
        built = default_registry().build("process", "pp-ttbar", context)
        self.own = cast("Process", built)
        self.name, self.defaults = self.own.name, self.own.defaults
        self.resonances, self.checkpoints = self.own.resonances, self.own.checkpoints

    def matrix_element(self) -> MatrixElement:
        return cast("MatrixElement", SpoiltAmplitude(self, self.own.matrix_element()))

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        return cast("PhaseSpace", SpoiltSpace(self, self.own.phase_space(beams, cuts)))

    def change_amplitude(self, found: SquaredAmplitude, momenta: Tensor) -> SquaredAmplitude:
        return found

    def change_point(self, point: PhaseSpacePoint, channel: Tensor) -> PhaseSpacePoint:
        return point


class SpoiltAmplitude:
    def __init__(self, process: TopPairs, own: MatrixElement) -> None:
        self.process, self.own = process, own
        self.subprocesses, self.masses = own.subprocesses, own.masses
        self.parameters, self.alpha_qed = own.parameters, own.alpha_qed

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: tuple[str, ...] = (),
    ) -> SquaredAmplitude:
        found = self.own.squared(momenta, subprocess, alpha_s, theta, want)
        return self.process.change_amplitude(found, momenta)


class SpoiltSpace:
    def __init__(self, process: TopPairs, own: PhaseSpace) -> None:
        self.process, self.own = process, own
        self.n_dim, self.channels, self.n_incoming = own.n_dim, own.channels, own.n_incoming

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        return self.process.change_point(self.own.forward(u, channel), channel)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        return self.own.inverse(momenta, channel)


class ForgetsTwoPi(TopPairs):
    def change_point(self, point: PhaseSpacePoint, channel: Tensor) -> PhaseSpacePoint:
        shift = math.log((2 * math.pi) ** 2)
        return replace(
            point,
            log_jacobian=point.log_jacobian + shift,
            log_densities=point.log_densities - shift,
        )


class OneChannelInAnotherMeasure(TopPairs):
    def change_point(self, point: PhaseSpacePoint, channel: Tensor) -> PhaseSpacePoint:
        shift = torch.zeros_like(point.log_densities[:1])
        shift[:, 0] = 0.5
        own = shift.expand_as(point.log_densities).gather(1, channel[:, None])[:, 0]
        return replace(
            point,
            log_jacobian=point.log_jacobian - own,
            log_densities=point.log_densities + shift,
        )


class DensitiesOfOthers(TopPairs):
    def change_point(self, point: PhaseSpacePoint, channel: Tensor) -> PhaseSpacePoint:
        return replace(point, log_densities=point.log_densities.flip(1))


class LosesMomentum(TopPairs):
    def change_point(self, point: PhaseSpacePoint, channel: Tensor) -> PhaseSpacePoint:
        factor = torch.ones_like(point.momenta)
        factor[:, 2] = 0.999
        return replace(point, momenta=point.momenta * factor)


class DoublesTheAmplitude(TopPairs):
    def change_amplitude(self, found: SquaredAmplitude, momenta: Tensor) -> SquaredAmplitude:
        return replace(found, value=2 * found.value)


class LabFrameOnly(TopPairs):
    def change_amplitude(self, found: SquaredAmplitude, momenta: Tensor) -> SquaredAmplitude:
        tilt = 1e-6 * momenta[:, 0, 1].abs() / momenta[:, 0, 0]
        return replace(found, value=found.value * (1 + tilt))


class NegativeColour(TopPairs):
    def change_amplitude(self, found: SquaredAmplitude, momenta: Tensor) -> SquaredAmplitude:
        return found if found.colour is None else replace(found, colour=-found.colour)


class NothingToCompareWith(TopPairs):
    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.checkpoints = ()


class LooseColourLine(TopPairs):
    def matrix_element(self) -> MatrixElement:
        found = super().matrix_element()
        first = found.subprocesses[0]
        flow = ((501, 502), (503, 501), (503, 0), (0, 504))
        spoilt = (replace(first, colour_flows=(flow, flow)), *found.subprocesses[1:])
        found.subprocesses = spoilt
        return found


class ProposesChannels(TopPairs):
    """Announces weights of the channels."""

    images: tuple[int, ...] = (0, 2, 1)

    def matrix_element(self) -> MatrixElement:
        found = super().matrix_element()
        found.subprocesses = tuple(
            replace(s, mirror_channels=self.images) for s in found.subprocesses
        )
        return found


class ImagesInACircle(ProposesChannels):
    images = (1, 2, 0)


class ImagesThatAreNone(ProposesChannels):
    images = (0, 2)


class NegativeChannels(ProposesChannels):
    def change_amplitude(self, found: SquaredAmplitude, momenta: Tensor) -> SquaredAmplitude:
        return replace(found, channels=-torch.ones_like(momenta[:, :3, 0]))


class LosesAState(TopPairs):
    """Samples two helicity states, which lack a tenth."""

    def matrix_element(self) -> MatrixElement:
        found = SpoiltAmplitude(self, self.own.matrix_element())
        found.helicities = ((1, 1, 1, 1), (-1, -1, -1, -1))

        def of_helicity(
            momenta: Tensor, subprocess: int, alpha_s: Tensor, helicity: Tensor, want: object = ()
        ) -> SquaredAmplitude:
            whole = found.squared(momenta, subprocess, alpha_s)
            return replace(whole, value=0.45 * whole.value)

        found.of_helicity = of_helicity
        return cast("MatrixElement", found)


BROKEN = [
    (LosesAState, r"the sum of 2 helicity states and .* \(0\.9 against 1\)", "helicities_add_up"),
    (ProposesChannels, r"no weights \(1000, 3\) of the channels", "amplitudes_are_positive"),
    (ImagesInACircle, r"mirror_channels \(1, 2, 0\) of", "amplitudes_are_positive"),
    (ImagesThatAreNone, r"mirror_channels \(0, 2\) of", "amplitudes_are_positive"),
    (NegativeChannels, r"channels of .* is \[-1", "amplitudes_are_positive"),
    (
        ForgetsTwoPi,
        r"log_jacobian and that of dx1 dx2 dΦ2 by autograd differ by 3\.68",
        "jacobian_is_that_of_two_bodies",
    ),
    (
        OneChannelInAnotherMeasure,
        r"channels .* disagree on their overlap",
        "channels_cover_one_phase_space",
    ),
    (
        DensitiesOfOthers,
        r"own log density and −log_jacobian differ",
        "own_density_is_the_jacobian",
    ),
    (LosesMomentum, r"momentum is not conserved", "momenta_are_conserved"),
    (DoublesTheAmplitude, r"but .* gives", "stored_amplitudes_come_out"),
    (
        LabFrameOnly,
        r"changes by .* under a common boost and rotation",
        "stored_amplitudes_come_out",
    ),
    (NegativeColour, r"colour of .* is \[", "amplitudes_are_positive"),
    (NothingToCompareWith, r"no stored amplitude", "stored_amplitudes_come_out"),
    (LooseColourLine, r"do not end", "colour_lines_end"),
]
TORCH = Capabilities(differentiable=True)


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_process_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("process", factory, words, check, TORCH)


class ToySet:
    """The shipped set, to be spoilt."""

    def __init__(self, context: BuildContext) -> None:
        slot = {"use": "lhapdf", "options": {"set": "ToyLH_LO"}}
        own = cast("PartonDensity", default_registry().build("parton_density", slot, context))
        self.own = own
        self.name, self.set_index, self.n_members = own.name, own.set_index, own.n_members
        self.member = own.member
        self.flavours, self.x_min = own.flavours, own.x_min
        self.q_min, self.q_max = own.q_min, own.q_max

    def xf(self, x: Tensor, q: Tensor, member: int = 0) -> Tensor:
        return self.own.xf(x, q, member)

    def alpha_s(self, q: Tensor, member: int | None = None) -> Tensor:
        return self.own.alpha_s(q, member)


class ForgetsTheFactorX(ToySet):
    def xf(self, x: Tensor, q: Tensor, member: int = 0) -> Tensor:
        return super().xf(x, q, member) / x[:, None]


class GrowingCoupling(ToySet):
    def alpha_s(self, q: Tensor, member: int | None = None) -> Tensor:
        return 0.01 * q.log()


class NoGluon(ToySet):
    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.flavours = tuple(0 if f == 21 else f for f in self.flavours)


BROKEN_SETS = [
    (ForgetsTheFactorX, r"of the momentum at Q = 10 GeV", "momentum_adds_up"),
    (GrowingCoupling, r"alpha_s rises with Q", "densities_and_coupling_are_sane"),
    (NoGluon, r"wanted distinct ids and 21", "flavours_are_named_once"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN_SETS, ids=[f.__name__ for f, _, _ in BROKEN_SETS]
)
def test_wrong_parton_density_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("parton_density", factory, words, check)
