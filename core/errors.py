"""Every exception crosshook raises on purpose; the command line prints them as one line.

Messages are lower case and say what was given, what is allowed and where it came from.
"""

BRIEF = 300
"""Characters of a stranger's message that are shown."""


class CrosshookError(Exception):
    """Base of all errors a user can cause or meet; `exit_code` is what the command returns."""

    exit_code = 1


class ConfigurationError(CrosshookError):
    """A run file, a flag or an option is not allowed."""

    exit_code = 2


class RegistryError(CrosshookError):
    """A component or plugin is unknown, ambiguous, broken or of the wrong interface version."""

    exit_code = 2


class UnfinishedError(CrosshookError):
    """A method of a plugin made by `crosshook plugins new` is still to be filled in."""

    exit_code = 2


class InputError(CrosshookError):
    """A file cannot be read as what it claims to be: file, event and line are named."""

    exit_code = 3


class OutputError(CrosshookError):
    """An output cannot be written, or would overwrite something."""

    exit_code = 4


class ModelError(CrosshookError):
    """A saved model does not fit its component, context or checksum."""

    exit_code = 5


class NumericalError(CrosshookError):
    """A computation gave NaN or infinity, or a self-test failed."""

    exit_code = 6


class IntegrandError(NumericalError):
    """An integrand returned the wrong shape, type or device."""


class ProgramError(CrosshookError):
    """A program of somebody else's, run as a child, failed."""

    exit_code = 7


class ExecutionError(CrosshookError):
    """Workers were lost, hang, or cannot serve the run; what they finished is kept."""

    exit_code = 8


class Cancelled(CrosshookError):
    """The run was asked to stop."""

    exit_code = 130


def brief(error: BaseException) -> str:
    """A stranger's exception in one line: its type and the beginning of its message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= BRIEF else f'{text[:BRIEF]}…'}"
