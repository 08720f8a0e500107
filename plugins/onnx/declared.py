"""What a run file says of an ONNX model: which input is what, and what the outputs mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Meaning = Literal["log", "log10", "value"]
Names = dict[str, str | None]


@dataclass(frozen=True)
class Declared:
    """Options, checked against each other; see schemas/v1/components/onnx.json.

    Attributes:
        inputs: names in the model of `momenta`, `process`, `alpha_s`; None for what it does not take.
        outputs: likewise of `amplitude`, `sign`, `log_std`.
        meaning: of the output `amplitude`.
        legs: whose momenta the model takes, in its order; None for all.
        ids: what the model calls each subprocess; empty for the numbers crosshook gives them.
        powers: of α_s, of each subprocess, where the model does not take α_s; else empty.
        reference: α_s of the model's |M|² then.
        pdg: of the legs of each subprocess; empty if it is not said.
    """

    inputs: Names
    outputs: Names
    meaning: Meaning
    legs: tuple[int, ...] | None
    ids: tuple[int, ...]
    powers: tuple[int, ...]
    reference: float
    pdg: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls,
        inputs: Names,
        outputs: Names,
        meaning: Meaning,
        legs: Sequence[int] | None,
        subprocesses: Sequence[Mapping[str, object]],
        alpha_s: float | None,
    ) -> Declared:
        """Takes options of the component.

        Raises:
            ConfigurationError: if one of them contradicts another or could have no effect.
        """
        powers, ids, pdg = (_column(subprocesses, name) for name in ("alpha_s_power", "id", "pdg"))
        message = ""
        if inputs["alpha_s"] is None and not powers:
            message = (
                "the model takes no alpha_s: say alpha_s_power of each of options.subprocesses, or "
                "name that input in options.inputs.alpha_s"
            )
        elif inputs["alpha_s"] is not None and (powers or alpha_s is not None):
            message = "the model takes alpha_s: options.alpha_s and alpha_s_power have no effect"
        elif inputs["process"] is None and ids:
            message = "the model does not take process: id of options.subprocesses has no effect"
        if message:
            message = f"onnx: {message}"
            raise ConfigurationError(message)
        return cls(
            inputs,
            outputs,
            meaning,
            None if legs is None else tuple(legs),
            cast("tuple[int, ...]", ids),
            cast("tuple[int, ...]", powers),
            1.0 if alpha_s is None else alpha_s,
            tuple(tuple(cast("list[int]", row)) for row in pdg),
        )


def _column(subprocesses: Sequence[Mapping[str, object]], name: str) -> tuple[object, ...]:
    """What all subprocesses say of one thing; empty if none says it."""
    found = tuple(sub[name] for sub in subprocesses if name in sub)
    if len(found) not in (0, len(subprocesses)):
        message = (
            f"onnx: options.subprocesses: {len(found)} of {len(subprocesses)} have {name}: "
            "give it for all or for none"
        )
        raise ConfigurationError(message)
    return found
