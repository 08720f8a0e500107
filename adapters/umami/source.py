"""UmamiSource: a library behind UMAMI as an `AmplitudeSource`, torch tensors handed over in place.

UMAMI wants structures of arrays, momenta[event + stride·(particle + particles·component)]. Momenta
laid out so are handed over where they lie; others are copied once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.adapters.umami.abi import (
    NOT_IMPLEMENTED,
    SUCCESS,
    UNSUPPORTED_INPUT,
    UNSUPPORTED_OUTPUT,
    Device,
    Input,
    Meta,
    Output,
    status_name,
)
from crosshook.core.amplitudes.source import SourceValues
from crosshook.core.errors import ConfigurationError, IntegrandError, NumericalError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.adapters.umami.handles import Handles
    from crosshook.adapters.umami.library import Library

OPTIONAL = (Input.ALPHA_S, Input.FLAVOR_INDEX, Input.RANDOM_COLOR)
"""Inputs that are given where a library takes them, besides the momenta."""

HARMLESS = (Input.RANDOM_COLOR, Input.RANDOM_DIAGRAM)
"""Random numbers that choose, but do not change |M|²; given as ½ where they are required."""

BLOCK = 1024
"""Events copied at once."""


class Arranged(NamedTuple):
    """Momenta as structures of arrays.

    Attributes:
        tensor: keeps the memory alive; `(4, m, n)`.
        stride: distance of two rows of events, in doubles.
    """

    tensor: Tensor
    stride: int


def arranged(momenta: Tensor) -> Arranged:
    """Momenta `(n, m, 4)` as UMAMI wants them, without a copy where they are laid out so already."""
    n, m, _ = momenta.shape
    view = momenta.permute(2, 1, 0)
    across, down, along = view.stride()
    if along == 1 and n > 1 and down >= n and across == m * down:
        return Arranged(view, down)
    copy = torch.empty((4, m, n), dtype=momenta.dtype, device=momenta.device)
    for start in range(0, n, BLOCK):  # a block's rows stay in the cache: three times as fast
        copy[:, :, start : start + BLOCK] = view[:, :, start : start + BLOCK]
    return Arranged(copy, n)


@dataclass
class UmamiSource:
    """One library, card and helicity.

    Attributes:
        handles: of the library.
        probe: momenta `(1, m, 4)` inside phase space, to find out what an old library takes.
        helicity: index of the one helicity to compute, or None for the sum.
        name: path of the library.
        legs: number of external legs, or 0 if it does not tell.
        n_diagrams: number of diagrams whose squares it gives; 0 if it gives none.
        n_colour_flows: number of colour flows it chooses among; 0 if it chooses none, None if it
            chooses without telling among how many, as MadGraph's do.
        takes_alpha_s: α_s is an input.
        takes_flavour: there are flavours to choose among.
        masses: of the legs in GeV, or None if it does not tell.
        inputs: what it takes of `OPTIONAL`, and what it must be given.
    """

    handles: Handles
    probe: Tensor
    helicity: int | None = None
    name: str = field(init=False)
    legs: int = field(init=False)
    n_diagrams: int = field(init=False)
    n_colour_flows: int | None = field(init=False)
    takes_alpha_s: bool = field(init=False)
    takes_flavour: bool = field(init=False)
    masses: tuple[float, ...] | None = field(init=False)
    inputs: tuple[Input, ...] = field(init=False)

    def __post_init__(self) -> None:
        library = self.handles.library
        self.name = str(library.path)
        self._device = torch_device(library)
        self.handles.mine()  # some libraries tell their numbers once they are initialised only
        self.legs = library.meta(Meta.PARTICLE_COUNT) or 0
        if self.legs and self.legs != self.probe.shape[1]:
            message = (
                f"{self.name}: computes {self.legs} legs, but {self.probe.shape[1]} PDG ids are "
                "given for it"
            )
            raise ConfigurationError(message)
        self.masses = library.masses(self.legs)
        self.inputs = self._accepted()
        self.takes_alpha_s = Input.ALPHA_S in self.inputs
        self.takes_flavour = Input.FLAVOR_INDEX in self.inputs
        self.n_diagrams = self._count(Meta.DIAGRAM_COUNT, Output.DIAGRAM_AMP2)
        self.n_colour_flows = 0
        if Input.RANDOM_COLOR in self.inputs:
            untold = library.meta(Meta.COLOR_COUNT) is None
            number = self._count(Meta.COLOR_COUNT, Output.COLOR_INDEX, least=int(untold))
            self.n_colour_flows = None if untold and number else number
        self._plain = self._without_colour()

    def evaluate(
        self,
        momenta: Tensor,
        alpha_s: Tensor,
        flavour: int,
        *,
        diagrams: bool = False,
        colour_uniform: Tensor | None = None,
    ) -> SourceValues:
        """See `AmplitudeSource.evaluate`.

        Raises:
            NumericalError: if the library refuses.
        """
        n = momenta.shape[0]
        if n == 0:
            none = momenta.new_zeros(0)
            return SourceValues(
                none,
                momenta.new_zeros((0, self.n_diagrams)) if diagrams else None,
                none.to(torch.int64) if colour_uniform is not None else None,
            )
        outputs = [Output.MATRIX_ELEMENT]
        if diagrams:
            outputs.append(Output.DIAGRAM_AMP2)
        if colour_uniform is not None:
            outputs.append(Output.COLOR_INDEX)
        inputs = self._plain if colour_uniform is None else self.inputs
        status, found = self._call(
            momenta, alpha_s, flavour, inputs, tuple(outputs), colour_uniform
        )
        if status != SUCCESS:
            reason = status_name(status, self.handles.library.generation)
            message = f"{self.name}: umami_matrix_element of {n} points gave {reason}"
            raise NumericalError(message)
        here = {key: value.to(momenta.device) for key, value in found.items()}
        return SourceValues(
            here[Output.MATRIX_ELEMENT],
            here[Output.DIAGRAM_AMP2].T[:n] if diagrams else None,
            here[Output.COLOR_INDEX].to(torch.int64) if colour_uniform is not None else None,
        )

    def _call(
        self,
        momenta: Tensor,
        alpha_s: Tensor,
        flavour: int,
        inputs: tuple[Input, ...],
        outputs: tuple[Output, ...],
        colour_uniform: Tensor | None = None,
    ) -> tuple[int, dict[Output, Tensor]]:
        """Calls the library; its status and what it filled in."""
        if momenta.dtype != torch.float64 or momenta.shape[1:] != self.probe.shape[1:]:
            message = (
                f"{self.name}: momenta of shape {tuple(momenta.shape)} and type {momenta.dtype}; "
                f"needed are (n, {self.probe.shape[1]}, 4) and torch.float64"
            )
            raise IntegrandError(message)
        n = momenta.shape[0]
        layout = arranged(momenta.detach().to(self._device))

        def each(value: Tensor) -> Tensor:
            return value.detach().to(self._device, torch.float64).contiguous()

        def numbers(value: int) -> Tensor:
            return torch.full((n,), value, dtype=torch.int32, device=self._device)

        def half() -> Tensor:
            return torch.full((n,), 0.5, dtype=torch.float64, device=self._device)

        given = {Input.MOMENTA: layout.tensor}
        for key in inputs:
            if key == Input.ALPHA_S:
                given[key] = each(alpha_s)
            elif key == Input.FLAVOR_INDEX:
                given[key] = numbers(flavour)
            elif key == Input.HELICITY_INDEX:
                given[key] = numbers(self.helicity or 0)
            elif key == Input.RANDOM_COLOR:
                given[key] = half() if colour_uniform is None else each(colour_uniform)
            else:
                given[key] = half()
        taken = {key: self._room(key, n, layout.stride) for key in outputs}
        if self._device.type == "cuda":  # the library has streams of its own
            torch.cuda.synchronize(self._device)
        status = self.handles.library.matrix_element(
            self.handles.mine(),
            n,
            layout.stride,
            [(key, value.data_ptr()) for key, value in given.items()],
            [(key, value.data_ptr()) for key, value in taken.items()],
        )
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return status, taken

    def _room(self, key: Output, n: int, stride: int) -> Tensor:
        """Memory for an output; NaN or -1 where the library forgets to write."""
        if key == Output.MATRIX_ELEMENT:
            return torch.full((n,), torch.nan, dtype=torch.float64, device=self._device)
        if key == Output.DIAGRAM_AMP2:
            shape = (self.n_diagrams, stride)
            return torch.full(shape, torch.nan, dtype=torch.float64, device=self._device)
        return torch.full((n,), -1, dtype=torch.int32, device=self._device)

    def _accepted(self) -> tuple[Input, ...]:
        """Inputs to give besides the momenta."""
        library = self.handles.library
        supported, required = library.supported_inputs(), library.required_inputs()
        own = () if self.helicity is None else (Input.HELICITY_INDEX,)
        if supported is None:
            return self._probed(own)
        wanted = {Input.MOMENTA, *own}
        lacking = sorted(key.name for key in wanted - supported)
        if lacking:
            message = f"{self.name}: does not take {', '.join(lacking)}, which is needed here"
            raise ConfigurationError(message)
        needed = required or frozenset()
        unknown = sorted(key.name for key in needed - {Input.MOMENTA, *OPTIONAL, *HARMLESS, *own})
        if unknown:
            message = (
                f"{self.name}: must be given {', '.join(unknown)}; crosshook gives momenta, α_s, "
                "the flavour and a number for the colour, and sums over helicities"
            )
            raise ConfigurationError(message)
        chosen = (supported & {*OPTIONAL, *own}) | (needed & {*HARMLESS})
        return tuple(sorted(chosen))

    def _probed(self, own: tuple[Input, ...]) -> tuple[Input, ...]:
        """What a library with the old header takes, by trying."""
        found = (*own, *OPTIONAL)
        for key in found:
            if self._try(found) == SUCCESS:
                break
            if self._try((key,)) in (UNSUPPORTED_INPUT, NOT_IMPLEMENTED):
                found = tuple(k for k in found if k != key)
        status = self._try(found)
        if status != SUCCESS:
            reason = status_name(status, self.handles.library.generation)
            taken = ", ".join(key.name for key in (Input.MOMENTA, *found))
            message = f"{self.name}: umami_matrix_element with {taken} gave {reason}"
            raise ConfigurationError(message)
        if any(key not in found for key in own):
            message = f"{self.name}: does not take HELICITY_INDEX, which is needed here"
            raise ConfigurationError(message)
        return found

    def _try(self, inputs: tuple[Input, ...], *outputs: Output) -> int:
        """Status of a call for |M|² and these outputs at the probe."""
        alpha_s = torch.full_like(self.probe[:, 0, 0], 0.118)
        status, _ = self._call(self.probe, alpha_s, 0, inputs, (Output.MATRIX_ELEMENT, *outputs))
        return status

    def _without_colour(self) -> tuple[Input, ...]:
        """The inputs where no colour is to be drawn."""
        fewer = tuple(key for key in self.inputs if key != Input.RANDOM_COLOR)
        required = self.handles.library.required_inputs()
        if required is not None:
            return self.inputs if Input.RANDOM_COLOR in required else fewer
        return fewer if self._try(fewer) == SUCCESS else self.inputs

    def _count(self, meta: Meta, output: Output, least: int = 0) -> int:
        """A number of diagrams or colour flows, 0 if the library does not give them.

        Args:
            meta: tells the number.
            output: what is counted.
            least: the number where the library tells none.
        """
        library = self.handles.library
        number = library.meta(meta) or least
        supported = library.supported_outputs()
        if supported is not None:
            return number if output in supported else 0
        if number <= 0:
            return 0
        if output == Output.DIAGRAM_AMP2:
            self.n_diagrams = number  # room for the trial
        status = self._try(self.inputs, output)
        if status in (UNSUPPORTED_OUTPUT, NOT_IMPLEMENTED):
            return 0
        if status != SUCCESS:
            reason = status_name(status, library.generation)
            message = f"{self.name}: umami_matrix_element for {output.name} gave {reason}"
            raise ConfigurationError(message)
        return number


def torch_device(library: Library) -> torch.device:
    """Where torch must put what a library reads.

    Raises:
        ConfigurationError: if it computes on a GPU that is not there.
    """
    device = library.device()
    if device == Device.CPU:
        return torch.device("cpu")
    hip = torch.version.hip is not None
    if not torch.cuda.is_available() or hip != (device == Device.HIP):
        message = (
            f"{library.path}: computes on {device.name}, which this torch cannot reach; build "
            "it for the CPU"
        )
        raise ConfigurationError(message)
    return torch.device("cuda")
