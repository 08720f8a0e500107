"""The framework: records, hooks, registry, interfaces, and the stages of a run."""

if not __name__.startswith("crosshook."):
    _message = (
        f"this folder is the package crosshook.core and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)
