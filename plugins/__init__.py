"""Built-in components behind the hooks, listed here as records."""

if not __name__.startswith("crosshook."):
    _message = (
        f"this folder is the package crosshook.plugins and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)

from collections.abc import Iterable

from crosshook.core.component import Capabilities, Component, hookimpl

ANYWHERE = ("cpu", "cuda")


@hookimpl
def crosshook_channel_mapping() -> Iterable[Component[object]]:
    """Built-in channel mappings."""
    return [
        Component(
            "uniform",
            "crosshook.plugins.uniform.mapping:make",
            "the identity: points are the random numbers",
            capabilities=Capabilities(devices=ANYWHERE, differentiable=True, invertible=True),
        ),
        Component(
            "vegas",
            "crosshook.plugins.vegas.mapping:make",
            "an adaptive separable grid per channel",
            schema="crosshook.schemas:v1/components/vegas.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                invertible=True,
                trainable=True,
                stateful=True,
            ),
        ),
        Component(
            "flow",
            "crosshook.plugins.flow.mapping:make",
            "splines whose shapes networks choose: autoregressive or coupling",
            schema="crosshook.schemas:v1/components/flow.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                conditional=True,
                invertible=True,
                trainable=True,
                stateful=True,
                learns=True,
            ),
        ),
    ]


@hookimpl
def crosshook_channel_weights() -> Iterable[Component[object]]:
    """Built-in channel weights."""
    return [
        Component(
            "prior",
            "crosshook.plugins.multichannel.prior:make",
            "the process's own proposal",
            capabilities=Capabilities(devices=ANYWHERE, differentiable=True),
        ),
        Component(
            "uniform",
            "crosshook.plugins.uniform.weights:make",
            "the same weight for every open channel",
            capabilities=Capabilities(devices=ANYWHERE, differentiable=True),
        ),
        Component(
            "network",
            "crosshook.plugins.multichannel.network:make",
            "the process's own proposal times what a network learned",
            schema="crosshook.schemas:v1/components/network.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                trainable=True,
                stateful=True,
                learns=True,
                features=True,
            ),
        ),
    ]


@hookimpl
def crosshook_amplitude_surrogate() -> Iterable[Component[object]]:
    """Built-in amplitude surrogates."""
    return [
        Component(
            "invariants",
            "crosshook.plugins.surrogate.invariants:make",
            "a network on log-invariants, of |M|² over an analytic ansatz",
            schema="crosshook.schemas:v1/components/invariants.json",
            capabilities=Capabilities(
                devices=ANYWHERE, trainable=True, event_wise=True, stateful=True
            ),
        ),
        Component(
            "onnx",
            "crosshook.plugins.onnx.surrogate:make",
            "a model of anybody's in an ONNX file",
            schema="crosshook.schemas:v1/components/onnx.json",
            capabilities=Capabilities(event_wise=True, stateful=True),
        ),
    ]


@hookimpl
def crosshook_unweighter() -> Iterable[Component[object]]:
    """Built-in unweighters."""
    return [
        Component(
            "rejection",
            "crosshook.plugins.unweight.rejection:make",
            "hit-or-miss against a maximum per channel; overweights are kept",
            schema="crosshook.schemas:v1/components/rejection.json",
            capabilities=Capabilities(devices=ANYWHERE, event_wise=True, stateful=True),
        ),
        Component(
            "two-stage",
            "crosshook.plugins.unweight.two_stage:make",
            "an amplitude surrogate thins points out, exact weights decide on the rest",
            schema="crosshook.schemas:v1/components/two-stage.json",
            capabilities=Capabilities(
                devices=ANYWHERE, event_wise=True, stateful=True, two_stage=True
            ),
        ),
    ]


@hookimpl
def crosshook_unfolder() -> Iterable[Component[object]]:
    """Built-in unfolders."""
    return [
        Component(
            "ibu",
            "crosshook.plugins.unfold.ibu:make",
            "iterative Bayesian unfolding in cells of any number of columns (d'Agostini)",
            schema="crosshook.schemas:v1/components/ibu.json",
            capabilities=Capabilities(devices=ANYWHERE),
        ),
        Component(
            "omnifold",
            "crosshook.plugins.unfold.omnifold.unfolder:make",
            "unbinned reweighting by classifiers: networks, sets of objects, or trees",
            schema="crosshook.schemas:v1/components/omnifold.json",
            capabilities=Capabilities(devices=ANYWHERE, stateful=True, resumable=True),
        ),
        Component(
            "conditional-flow",
            "crosshook.plugins.unfold.posterior.conditional_flow:make",
            "truth drawn for each event from a learned posterior: a flow, iterated",
            schema="crosshook.schemas:v1/components/conditional-flow.json",
            capabilities=Capabilities(devices=ANYWHERE, event_wise=True, stateful=True),
        ),
        Component(
            "conditional-flow-matching",
            "crosshook.plugins.unfold.posterior.conditional_flow_matching:make",
            "truth drawn for each event from a learned posterior: a velocity field, iterated",
            schema="crosshook.schemas:v1/components/conditional-flow-matching.json",
            capabilities=Capabilities(devices=ANYWHERE, event_wise=True, stateful=True),
        ),
    ]


@hookimpl
def crosshook_transfer_function() -> Iterable[Component[object]]:
    """Built-in transfer functions."""
    return [
        Component(
            "gaussian",
            "crosshook.plugins.transfer.gaussian:make",
            "a parametric response, column by column: energies, angles, efficiency",
            schema="crosshook.schemas:v1/components/gaussian.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                trainable=True,
                event_wise=True,
                stateful=True,
            ),
        ),
        Component(
            "mixture-density",
            "crosshook.plugins.transfer.mixture:make",
            "a mixture of Gaussians whose parameters a network gives",
            schema="crosshook.schemas:v1/components/mixture-density.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                trainable=True,
                event_wise=True,
                stateful=True,
            ),
        ),
        Component(
            "flow",
            "crosshook.plugins.transfer.flow:make",
            "mixtures deformed by splines, one column given those before it",
            schema="crosshook.schemas:v1/components/transfer-flow.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                trainable=True,
                event_wise=True,
                stateful=True,
            ),
        ),
        Component(
            "transformer-flow",
            "crosshook.plugins.transfer.transformer:make",
            "a transformer before mixtures and splines: jets in any order and number",
            schema="crosshook.schemas:v1/components/transformer-flow.json",
            capabilities=Capabilities(
                devices=ANYWHERE,
                differentiable=True,
                trainable=True,
                event_wise=True,
                stateful=True,
                sets=True,
            ),
        ),
    ]


@hookimpl
def crosshook_event_reweighter() -> Iterable[Component[object]]:
    """Built-in event reweighters."""
    return [
        Component(
            "expression",
            "crosshook.plugins.reweight.by_expression:make",
            "factors by expressions in momenta, weights and other columns of the events",
            schema="crosshook.schemas:v1/components/expression.json",
        ),
        Component(
            "matrix-element",
            "crosshook.plugins.reweight.matrix_element:make",
            "|M|² of a process at other parameters over |M|² at its own",
            schema="crosshook.schemas:v1/components/matrix-element.json",
        ),
        Component(
            "cell-resampler",
            "crosshook.plugins.reweight.cell_resampler:make",
            "negative weights evened out among nearest neighbours",
            schema="crosshook.schemas:v1/components/cell-resampler.json",
            capabilities=Capabilities(surveys=True),
        ),
    ]


@hookimpl
def crosshook_executor() -> Iterable[Component[object]]:
    """Built-in executors."""
    return [
        Component(
            "serial",
            "crosshook.core.execute:make_serial",
            "this process, one task after another",
        ),
        Component(
            "processes",
            "crosshook.plugins.execution.processes:make",
            "several processes of this machine",
            schema="crosshook.schemas:v1/components/processes.json",
        ),
        Component(
            "dask",
            "crosshook.plugins.execution.dask:make",
            "the workers of a Dask cluster",
            schema="crosshook.schemas:v1/components/dask.json",
        ),
    ]
