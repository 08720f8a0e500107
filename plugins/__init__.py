"""Built-in components behind the hooks, listed here as records."""

if not __name__.startswith("crosshook."):
    _message = (
        f"this folder is the package crosshook.plugins and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)
