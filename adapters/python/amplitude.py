"""The process component `python-amplitude`: |M|² by functions of momenta, everything else by core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crosshook.adapters.madspace.space import space_maker
from crosshook.adapters.python.target import load_function
from crosshook.core.amplitudes.description import (
    assemble,
    contributions_of,
    incoming_count,
)
from crosshook.core.amplitudes.options import ProcessOptions
from crosshook.core.amplitudes.source import SourceValues
from crosshook.core.errors import CrosshookError, IntegrandError, brief
from crosshook.core.sampling.returned import real_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.amplitudes.assembled import AssembledProcess
    from crosshook.core.amplitudes.options import Plain
    from crosshook.core.context import BuildContext

WHERE = "process.python-amplitude"


@dataclass
class PythonAmplitude:
    """An `AmplitudeSource` of one function `f(momenta, alpha_s)`.

    Attributes:
        function: gives |M|² `(n,)` of momenta `(n, m, 4)` in GeV and α_s `(n,)`.
        name: as the run file has it.
        backend: whose arrays it takes and gives.
        legs: unknown.
        n_diagrams: none.
        n_colour_flows: none.
        takes_alpha_s: always.
        takes_flavour: never; each flavour has its function.
        masses: unknown.
    """

    function: Callable[..., object]
    name: str
    backend: str
    legs: int = 0
    n_diagrams: int = 0
    n_colour_flows: int | None = 0
    takes_alpha_s: bool = True
    takes_flavour: bool = False
    masses: tuple[float, ...] | None = None

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
            IntegrandError: if the function fails, or gives something else.
        """
        n = momenta.shape[0]
        if n == 0:
            return SourceValues(momenta.new_zeros(0))
        given = (momenta.clone(), alpha_s.clone())
        if self.backend == "numpy":
            given = tuple(np.array(each.detach().cpu().numpy()) for each in given)  # type: ignore[assignment]
        try:
            found = self.function(*given)
        except CrosshookError:
            raise
        except Exception as error:  # whatever a stranger's function raises
            message = (
                f"{self.name}: raised {brief(error)}; it is called with momenta "
                f"{tuple(momenta.shape)} and α_s {tuple(alpha_s.shape)} ({self.backend})"
            )
            raise IntegrandError(message) from error
        return SourceValues(real_tensor(found, "|M|²", (n,), momenta, self.backend))


def make_python_amplitude(
    context: BuildContext,
    *,
    subprocesses: list[Plain],
    backend: str,
    masses: list[float],
    channels: list[Plain],
    fall: float,
    initial: str,
    resonances: list[Plain],
    reference: list[Plain],
    alpha_qed: float,
    phase_space: str,
    name: str,
) -> AssembledProcess:
    """Builds a process of functions of momenta.

    Args:
        context: gives the device.
        subprocesses: functions with the flavours they stand for.
        backend: whose arrays they take and give.
        masses: of the legs in GeV.
        channels: of the phase space, by their propagators.
        fall: power of ŝ out of hadrons.
        initial: what collides, or a decay.
        resonances: intermediate particles to write.
        reference: stored |M|² to compare with.
        alpha_qed: written with the events.
        phase_space: whose maps, `crosshook` or `madspace`.
        name: for people.

    Raises:
        ConfigurationError: if there is no such function, or what is said of it is no process.
        NumericalError: if its values fail the self-test.
    """
    sources: dict[str, PythonAmplitude] = {}
    for number, given in enumerate(subprocesses):
        target = str(given["function"])
        place = f"{WHERE}.subprocesses[{number}].function"
        if target not in sources:
            sources[target] = PythonAmplitude(load_function(target, place), target, backend)
    chosen = [sources[str(given["function"])] for given in subprocesses]
    contributions = contributions_of(subprocesses, chosen, incoming_count(initial), WHERE)
    options = ProcessOptions(
        masses=masses,
        channels=channels,
        fall=fall,
        initial=initial,
        resonances=resonances,
        reference=reference,
        alpha_qed=alpha_qed,
        name=name,
        maker=space_maker(phase_space),
    )
    return assemble(contributions, options, None, context.torch_device, WHERE)
