"""`crosshook.integrate`: the integral of a function of the unit cube, and the sampler behind it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crosshook.core import random
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.execute import SerialExecutor, one_thread
from crosshook.core.integral_result import Integral, integral_of
from crosshook.core.integrate import integrate as integrate_blocks
from crosshook.core.interfaces.training import Stateful
from crosshook.core.learning.settings import learning_settings
from crosshook.core.progress import Progress, Silent
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import MAPPING, WEIGHTS, build_components, check_device, join
from crosshook.core.sampling.function_integrand import Backend, FunctionIntegrand
from crosshook.core.sampling.groups import check_groups
from crosshook.core.sampling.latents import Latents, check_latents
from crosshook.core.sampling.trained import TrainedSampler
from crosshook.core.train import TrainingPlan, train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crosshook.core.sampling.sampler import Sampler

DEFAULT_MAPPING, DEFAULT_WEIGHTS = "vegas", "prior"
DEFAULT_EVALUATIONS = 100_000
BLOCK, LARGEST_NET = 16_384, 131_072
"""Points of a block of random latents at most, and of a net."""


@dataclass(frozen=True)
class _Settings:
    """What the blocks need besides the sampler."""

    block_size: int
    max_invalid_fraction: float
    bias: None = None


@dataclass(frozen=True)
class _Recipe:
    """A sampler that is there already; it stays in this process."""

    made: Sampler
    settings: _Settings

    def sampler(self) -> Sampler:
        """The sampler."""
        return self.made

    def config(self) -> _Settings:
        """The settings."""
        return self.settings


def integrate(
    integrand: Callable[..., object],
    *,
    dimensions: int,
    channels: int | Sequence[str] = 1,
    discrete: Sequence[int] = (),
    features: int | Sequence[str] = (),
    backend: Backend = "torch",
    mapping: Slot | str | Mapping[str, object] | None = None,
    weights: Slot | str | Mapping[str, object] | None = None,
    sampler: TrainedSampler | None = None,
    training: Mapping[str, object] | None = None,
    groups: Sequence[int] | None = None,
    evaluations: int | None = None,
    points: int = 100_000,
    relative_error: float = 0.0,
    latents: Latents = "random",
    seed: int = 1,
    device: str = "cpu",
    block_size: int | None = None,
    max_invalid_fraction: float = 1e-5,
    progress: Progress | None = None,
) -> Integral:
    """Integrates a function over the unit cube: trains a sampler, freezes it, integrates.

    The function is called with many points at once, rows of `u` in [0, 1], `(n, d)` float64, and
    gives a value for each, `(n,)`:

        crosshook.integrate(lambda u: torch.exp(-(u**2).sum(1)), dimensions=4)

    Values may be negative or 0. NaN and infinite ones are left out, counted and reported, and
    refused where there are too many. float32 is widened; other types are refused.

    Several channels: `f(u, channel)` with `channel` `(n,)` int64. Each channel c looks at the same
    integral through a map x(u) of its own, and the value is f(x)·|∂x/∂u|_c. It may be given with
    the channels' weights at that point, non-negative, `(n, k)`, as `(value, prior)`: they are
    normalised, and the integral is Σ_c ∫du α_c(x)·f(x)·|∂x/∂u|_c. Without a prior all channels
    weigh the same. With `features` announced there is a third element, `(n, f)`: coordinates of
    the point that do not depend on the channel, from which channel weights can learn. An
    `Evaluation` is taken as well.

    Discrete dimensions: `f(u, values)`, or `f(u, channel, values)`, with `values` `(n, m)` int64.
    The integral is the *sum* over all their values of the integral over u.

    Args:
        integrand: the function.
        dimensions: continuous ones, d.
        channels: their number k, or their names.
        discrete: number of values of each discrete dimension.
        features: number or names of the features the function gives.
        backend: `torch`, or `numpy` for a function of numpy arrays.
        mapping: the channel mapping, `NAME` or `{use: NAME, options: {...}, model: DIRECTORY}`;
            `vegas` if None, which takes no time; `flow` learns more. `crosshook plugins list`
            shows them all.
        weights: the channel weights in the same form; `prior` if None. `network` learns them, from
            features.
        sampler: of an earlier integral or from `crosshook.open_sampler`, instead of `mapping` and
            `weights`: it is used as it is, or trained further if there are `evaluations`. The
            one given stays as it was.
        training: settings for components with parameters, as `sampling.training` of a run file:
            losses, rounds, learning rate, warm start, choice; `crosshook schema show run`
            explains each.
        groups: the group of each channel, e.g. `[0, 0, 1]`: channels of a group share one mapping
            if it has parameters, and so learn from each other's points. None for one each.
        evaluations: points for the training; 100 000, or 0 with a `sampler`.
        points: for the integral, at most.
        relative_error: stop at the first block after which the error is this small; 0 never.
        latents: `random`; or `sobol` or `stratified`, whose errors are smaller where the weight is
            smooth. These are taken from the spread of 8 to 15 independent nets (more if
            `block_size` asks for them), which is why they are known to a quarter only.
        seed: of all random numbers; the result is the same bit by bit for the same seed.
        device: in torch's notation.
        block_size: points handed to the function at once at most; 16 384, or 131 072 for nets.
        max_invalid_fraction: share of points with NaN or infinite weight above which it stops.
        progress: told how far it is.

    Returns:
        The integral with its error, diagnostics and the trained sampler.

    Raises:
        ConfigurationError: if an argument is not allowed.
        IntegrandError: if the function fails or gives something else than a value a point.
        NumericalError: if too many points are invalid.
    """
    start = time.perf_counter()
    problem = FunctionIntegrand(
        integrand,
        dimensions=dimensions,
        channels=_names("channel", channels),
        discrete=tuple(discrete),
        features=_names("feature", features),
        backend=backend,
    )
    check_latents(latents, problem.n_dim, "latents")
    _check_numbers(
        points=points, evaluations=evaluations or 0, seed=seed, block_size=block_size or BLOCK
    )
    context = BuildContext(
        dimensions=dimensions,
        discrete=tuple(discrete),
        channels=len(problem.channels),
        features=_names("feature", features),
        device=str(check_device(device)),
        rng=random.torch_generator(seed, "build"),
        progress=progress if progress is not None else Silent(),
        registry=default_registry(),
    )
    slots = _slots(mapping, weights, sampler)
    shared = _groups(groups, problem.channels, sampler)
    budget = evaluations
    if budget is None:
        budget = DEFAULT_EVALUATIONS if sampler is None else 0
    plan = TrainingPlan(
        slots, budget, learning_settings(training), shared, seed, max_invalid_fraction
    )
    built = _build(problem, context, plan, sampler)
    with one_thread():
        trained, shares = train(plan, built, context, default_registry(), lambda _: None)
    if budget == 0 and sampler is not None:
        shares = sampler.shares
    frozen = TrainedSampler(
        built.mapping,
        built.weights,
        shares,
        problem.channels,
        context,
        slots,
        composition=built.composition,
        warm=built.warm,
    )
    settings = _Settings(_size(points, latents, block_size), max_invalid_fraction)
    weighted = integrate_blocks(
        _Recipe(built, settings),
        SerialExecutor(),
        context.progress,
        seed=seed,
        stage="integrate",
        evaluations=points - points % settings.block_size if latents == "random" else points,
        shares=shares,
        relative_error=relative_error,
        latents=latents,
    )
    rng = random.stream(seed, "bootstrap", 0)
    return integral_of(weighted, trained, frozen, rng, time.perf_counter() - start)


def _names(what: str, given: int | Sequence[str]) -> tuple[str, ...]:
    """Names as given, or as many as asked for: `channel 0`, `channel 1`."""
    if isinstance(given, int):
        return tuple(f"{what} {i}" for i in range(given))
    if isinstance(given, str):
        message = f"{what}s: {given!r} is one name; give a number or a list of names"
        raise ConfigurationError(message)
    return tuple(given)


def _check_numbers(**numbers: int) -> None:
    least = {"points": 2, "evaluations": 0, "seed": 0, "block_size": 1}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int):
            message = f"{name}: {value!r} is a {type(value).__name__}, not an integer"
            raise ConfigurationError(message)
        if value < least[name]:
            message = f"{name}: {value} is less than {least[name]}"
            raise ConfigurationError(message)


def _groups(
    groups: Sequence[int] | None, channels: tuple[str, ...], sampler: TrainedSampler | None
) -> tuple[int, ...] | None:
    if sampler is not None:
        if groups is not None:
            message = "sampler: brings groups of its own; leave these out"
            raise ConfigurationError(message)
        return sampler.composition.groups
    check_groups(groups, channels, "groups")
    return None if groups is None else tuple(groups)


def _size(points: int, latents: Latents, block_size: int | None) -> int:
    """Points of a block; random ones come in equal blocks, none of them above the budget."""
    if latents != "random":
        return block_size or LARGEST_NET
    return points // -(-points // (block_size or BLOCK))


def _slots(
    mapping: Slot | str | Mapping[str, object] | None,
    weights: Slot | str | Mapping[str, object] | None,
    sampler: TrainedSampler | None,
) -> dict[str, Slot]:
    """What to build, with every option filled in."""
    if sampler is not None:
        if mapping is not None or weights is not None:
            message = "sampler: brings mapping and weights of its own; leave these out"
            raise ConfigurationError(message)
        return {name: Slot(slot.use, slot.options) for name, slot in sampler.slots.items()}
    given = {MAPPING: mapping or DEFAULT_MAPPING, WEIGHTS: weights or DEFAULT_WEIGHTS}
    slots = {name: Slot.parse(slot) for name, slot in given.items()}
    registry = default_registry()
    return {
        name: replace(slot, options=registry.options(name, slot, name))
        for name, slot in slots.items()
    }


def _build(
    problem: FunctionIntegrand,
    context: BuildContext,
    plan: TrainingPlan,
    sampler: TrainedSampler | None,
) -> Sampler:
    """The sampler, new or with the state of an earlier one."""
    registry = default_registry()
    if sampler is None:
        composition = plan.composition(registry)
        parts = build_components(plan.slots, composition, context, registry)
        return join(problem, parts, composition, context)
    if sampler.context.shape() != context.shape():
        message = f"sampler: trained for {sampler.context.shape()}, not {context.shape()}"
        raise ConfigurationError(message)
    parts = build_components(plan.slots, sampler.composition, context, registry)
    pairs = (
        (sampler.mapping, parts.mapping),
        (sampler.weights, parts.weights),
        (sampler.warm, parts.warm),
    )
    for before, after in pairs:
        if isinstance(before, Stateful) and isinstance(after, Stateful):
            tensors, values = before.state()
            after.load_state({key: t.clone() for key, t in tensors.items()}, values)
    return join(problem, parts, sampler.composition, context)
