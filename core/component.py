"""The records plugins give to crosshook: what a component is called and where its factory lives.

A hook returns records, never objects: nothing heavy is imported until a run needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pluggy

PROJECT = "crosshook"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

T = TypeVar("T")


@dataclass(frozen=True)
class Capabilities:
    """Optional abilities of a component, declared instead of probed for.

    Attributes:
        devices: kinds of device the component runs on, e.g. `("cpu", "cuda")`.
        differentiable: its outputs carry gradients to its inputs.
        conditional: it accepts `condition` vectors.
        trainable: it has `fit(source, budget, context) -> FitReport`.
        invertible: it has an exact inverse.
        event_wise: it gives a result for each event, not for the sample alone.
        stateful: it has `state()` and `load_state(...)` and can be saved as a model.
        learns: it has `parameters()`, to which its outputs carry gradients, so that core can train
            it together with others; see `crosshook.core.learning`.
        features: it needs the features of points, which are computed for it.
        sequential: an event format that reads its files once from beginning to end, so that they
            may come through a pipe and events it cannot read may be skipped; see
            `crosshook.core.interfaces.event_format.SequentialFormat`.
        composes: an event format whose files can be put together from parts that were written
            apart, see `crosshook.core.interfaces.event_format.ComposingFormat`.
        read_only: an event format whose `write` refuses with an OutputError.
        two_stage: an unweighter that looks at cheap estimates first, asks for few exact weights,
            and has `expectation()`; see
            `crosshook.core.interfaces.unweighter.TwoStageUnweighter`.
        sets: a transfer function that takes and gives sets of objects, of any number and order.
        surveys: an event reweighter that looks at the whole sample before it gives factors; see
            `crosshook.core.interfaces.event_reweighter.SurveyingReweighter`.
        resumable: an unfolder that can be saved after every iteration and goes on from there; see
            `crosshook.core.interfaces.unfolder.ResumableUnfolder`.
    """

    devices: tuple[str, ...] = ("cpu",)
    differentiable: bool = False
    conditional: bool = False
    trainable: bool = False
    invertible: bool = False
    event_wise: bool = False
    stateful: bool = False
    learns: bool = False
    features: bool = False
    sequential: bool = False
    composes: bool = False
    read_only: bool = False
    two_stage: bool = False
    sets: bool = False
    surveys: bool = False
    resumable: bool = False


@dataclass(frozen=True)
class Component(Generic[T]):
    """One named implementation of an interface.

    Attributes:
        name: unique within its interface; lower case, words joined by hyphens.
        target: `package.module:factory`; called as `factory(context, **options)`.
        summary: one line for people.
        api: version of the interface the component was written for.
        schema: `package:path/to/options.json`, or None for a component without options.
        capabilities: its optional abilities.
    """

    name: str
    target: str
    summary: str
    api: int = 1
    schema: str | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)


@dataclass(frozen=True)
class Command:
    """A command a plugin or adapter adds to `crosshook`.

    Attributes:
        path: words of the command, e.g. `("inspect",)` or `("surrogate", "train")`.
        target: `package.module:command`, a click command, imported when it is called.
        summary: one line for `crosshook --help`.
    """

    path: tuple[str, ...]
    target: str
    summary: str


@dataclass(frozen=True)
class Slot:
    """A place in a run file where a component goes: `NAME` or `{use: NAME, options: {...}, ...}`.

    Attributes:
        use: the component's name, or `plugin/name` where two plugins offer the same name.
        options: validated against the component's schema when it is built.
        model: directory of a trained model; training is skipped unless `train` is given.
        train: settings of the training, if any.
    """

    use: str
    options: Mapping[str, object] = field(default_factory=dict)
    model: str | None = None
    train: Mapping[str, object] | None = None

    @classmethod
    def parse(cls, value: "str | Mapping[str, object] | Slot") -> "Slot":
        """Reads a slot as written in a run file, already validated by its schema."""
        if isinstance(value, Slot):
            return value
        if isinstance(value, str):
            return cls(use=value)
        options, train, model = value.get("options"), value.get("train"), value.get("model")
        return cls(
            use=str(value["use"]),
            options=dict(options) if isinstance(options, Mapping) else {},
            model=None if model is None else str(model),
            train=dict(train) if isinstance(train, Mapping) else None,
        )

    def as_dict(self) -> dict[str, object]:
        """The slot in its long form, as `resolved.json` keeps it."""
        long: dict[str, object] = {"use": self.use, "options": dict(self.options)}
        if self.model is not None:
            long["model"] = self.model
        if self.train is not None:
            long["train"] = dict(self.train)
        return long
