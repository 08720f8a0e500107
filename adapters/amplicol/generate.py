"""Runs pyAmpliCol: one card in, a directory of amplitudes out."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Final, Literal

from crosshook.core.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from crosshook.adapters.amplicol.environment import Environment

Accuracy = Literal["full", "leading-colour"]
CODES: Final[dict[Accuracy, str]] = {"full": "full", "leading-colour": "lc"}

BUSY: Final = "thread allowance is in use"
"""What symbolica says where another process of the same user runs it without a licence."""

WAIT, PATIENCE = 5.0, 3600.0
"""Seconds between two tries while symbolica is busy, and in all."""


def card(
    processes: Sequence[str], electroweak: int, accuracy: Accuracy, model: str, output: Path
) -> str:
    """A run card of pyAmpliCol.

    Args:
        processes: in words; named p0, p1 …
        electroweak: highest electroweak order of the amplitude.
        accuracy: of the colour sum.
        model: as pyAmpliCol names it.
        output: directory that is written.
    """
    entries = ",\n  ".join(
        f'{{ expression = "{words}", name = "{process_name(number)}" }}'
        for number, words in enumerate(processes)
    )
    return f"""schema_version = 1
action = "generate"
[model]
source = {json.dumps(model)}
[process]
entries = [
  {entries}
]
[process.max_coupling_orders]
QED = {electroweak}
[color]
accuracy = "{CODES[accuracy]}"
[generation]
output = {json.dumps(str(output))}
mode = "replace"
workers = 1
emit_api_bundle = false
[output]
progress = "off"
color = "never"
[symbolica]
suggest_license = false
"""


def process_name(number: int) -> str:
    """Name of a process in pyAmpliCol's output."""
    return f"p{number}"


def generate(
    environment: Environment, text: str, folder: Path, log: Path, say: Callable[[str], None]
) -> None:
    """Runs a card.

    Args:
        environment: with pyAmpliCol.
        text: the card.
        folder: for the card.
        log: file to which what it prints is added.
        say: told if it has to wait for another run.

    Raises:
        ProgramError: if pyAmpliCol fails.
    """
    path = folder / "card.toml"
    path.write_text(text, "utf-8")
    command = [str(environment.python), "-m", "pyamplicol", "generate", "--card", str(path)]
    variables = {**os.environ, "SYMBOLICA_HIDE_BANNER": "1"}
    began, waiting = time.monotonic(), False
    while True:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=variables,
        )
        with log.open("a", encoding="utf-8") as file:
            file.write(done.stdout)
        if done.returncode == 0:
            return
        if BUSY not in done.stdout or time.monotonic() - began > PATIENCE:
            break
        if not waiting:
            say("waiting: without a licence symbolica runs once at a time for each user")
            waiting = True
        time.sleep(WAIT)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower()]
    reason = [*told, *reversed(lines), "no reason given"][0]
    message = f"pyAmpliCol stopped with code {done.returncode}: {reason}; its log is {log}"
    raise ProgramError(message)
