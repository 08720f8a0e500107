"""Settings of the training loop: `sampling.training` of a run file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from crosshook import schemas
from crosshook.core.component import Slot
from crosshook.core.options import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.options import Schema

Loss = Literal["variance", "kl", "reverse-kl", "unweighting"]
Objective = Literal["variance", "efficiency"]


@dataclass(frozen=True)
class LearningSettings:
    """How components with parameters learn; defaults and meaning are in schemas/v1/run.json.

    Attributes follow `sampling.training` there.
    """

    loss: Loss
    final_loss: Loss | None
    objective: Objective
    power: float
    rounds: int
    passes: float
    batch: int
    learning_rate: float
    schedule: str
    clip: float
    buffer: int
    warm_start: Slot | None
    warm_share: float
    warm_layer: bool
    explore: float
    validation: float
    patience: int
    selection: float
    gradients: float
    drop_channels: float

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> LearningSettings:
        """Settings of a resolved run file."""
        given = dict(values)
        warm = given.pop("warm_start")
        slot = None if warm is None else Slot.parse(cast("str | Mapping[str, object]", warm))
        return cls(warm_start=slot, **given)  # type: ignore[arg-type]


def settings_schema() -> Schema:
    """The schema of `sampling.training`, with the definitions it refers to."""
    whole = schemas.load("v1/run")
    sampling = cast("dict[str, Schema]", cast("Schema", whole["properties"])["sampling"])
    rule = cast("dict[str, Schema]", sampling["properties"])["training"]
    return {**rule, "$defs": whole["$defs"]}


def learning_settings(given: Mapping[str, object] | None = None) -> LearningSettings:
    """Settings with every default filled in.

    Args:
        given: as `sampling.training` of a run file.

    Raises:
        ConfigurationError: if one is not allowed.
    """
    return LearningSettings.parse(validate(settings_schema(), dict(given or {}), "training:"))
