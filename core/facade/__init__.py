"""crosshook: a socket between LHC event generators and learned components.

The public names below load on first use, so that `import crosshook` stays light.
"""

import importlib
from typing import TYPE_CHECKING

if __name__ != "crosshook":
    _message = (
        f"this folder is the package crosshook and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)

if TYPE_CHECKING:
    from crosshook.core.component import Capabilities, Command, Component, Slot, hookimpl
    from crosshook.core.context import BuildContext
    from crosshook.core.convert import convert
    from crosshook.core.errors import ConfigurationError, CrosshookError
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.files import create_events, open_events
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.inference.run import infer
    from crosshook.core.inspect import inspect_file
    from crosshook.core.integral import integrate
    from crosshook.core.integral_result import Integral
    from crosshook.core.interfaces.features import Features
    from crosshook.core.more_events import generate
    from crosshook.core.notebook import NotebookProgress
    from crosshook.core.plot_events import plot_events
    from crosshook.core.registry import Registry, default_registry
    from crosshook.core.results import RunResult
    from crosshook.core.reweight import reweight_file
    from crosshook.core.run import resume, run
    from crosshook.core.sampling.saved import open_sampler
    from crosshook.core.sampling.trained import TrainedSampler
    from crosshook.core.surrogates.export import export_surrogate
    from crosshook.core.surrogates.models import load_surrogate
    from crosshook.core.surrogates.training import resume_surrogate, train_surrogate
    from crosshook.core.unfolding.histogram import unfolded_histogram
    from crosshook.core.unfolding.run import resume_unfold, unfold
    from crosshook.core.unweight import unweight_file

    __version__: str

_HOMES = {
    "BuildContext": "crosshook.core.context",
    "Capabilities": "crosshook.core.component",
    "Command": "crosshook.core.component",
    "Component": "crosshook.core.component",
    "ConfigurationError": "crosshook.core.errors",
    "CrosshookError": "crosshook.core.errors",
    "EventBatch": "crosshook.core.events.batch",
    "Features": "crosshook.core.interfaces.features",
    "Integral": "crosshook.core.integral_result",
    "NotebookProgress": "crosshook.core.notebook",
    "Registry": "crosshook.core.registry",
    "RunInfo": "crosshook.core.events.run_info",
    "RunResult": "crosshook.core.results",
    "Slot": "crosshook.core.component",
    "TrainedSampler": "crosshook.core.sampling.trained",
    "convert": "crosshook.core.convert",
    "create_events": "crosshook.core.events.files",
    "default_registry": "crosshook.core.registry",
    "export_surrogate": "crosshook.core.surrogates.export",
    "generate": "crosshook.core.more_events",
    "hookimpl": "crosshook.core.component",
    "infer": "crosshook.core.inference.run",
    "inspect_file": "crosshook.core.inspect",
    "integrate": "crosshook.core.integral",
    "load_surrogate": "crosshook.core.surrogates.models",
    "open_events": "crosshook.core.events.files",
    "open_sampler": "crosshook.core.sampling.saved",
    "plot_events": "crosshook.core.plot_events",
    "resume": "crosshook.core.run",
    "resume_surrogate": "crosshook.core.surrogates.training",
    "resume_unfold": "crosshook.core.unfolding.run",
    "reweight_file": "crosshook.core.reweight",
    "run": "crosshook.core.run",
    "train_surrogate": "crosshook.core.surrogates.training",
    "unfold": "crosshook.core.unfolding.run",
    "unfolded_histogram": "crosshook.core.unfolding.histogram",
    "unweight_file": "crosshook.core.unweight",
}

__all__ = [
    "BuildContext",
    "Capabilities",
    "Command",
    "Component",
    "ConfigurationError",
    "CrosshookError",
    "EventBatch",
    "Features",
    "Integral",
    "NotebookProgress",
    "Registry",
    "RunInfo",
    "RunResult",
    "Slot",
    "TrainedSampler",
    "__version__",
    "convert",
    "create_events",
    "default_registry",
    "export_surrogate",
    "generate",
    "hookimpl",
    "infer",
    "inspect_file",
    "integrate",
    "load_surrogate",
    "open_events",
    "open_sampler",
    "plot_events",
    "resume",
    "resume_surrogate",
    "resume_unfold",
    "reweight_file",
    "run",
    "train_surrogate",
    "unfold",
    "unfolded_histogram",
    "unweight_file",
]


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        from importlib.metadata import version  # slow to import

        value = version("crosshook")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        message = f"module 'crosshook' has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
