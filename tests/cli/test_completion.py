"""What Tab offers: commands, options, names of components; quickly, importing nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from crosshook.core.cli import command_tree
from crosshook.core.cli.completion import WHERE, teach_bash

HEAVY = ("torch", "awkward", "uproot", "numba")


def offered(*words: str) -> dict[str, str | None]:
    """Completions of the last word with what is said of each."""
    from click.shell_completion import ShellComplete

    shell = ShellComplete(command_tree(), {}, "crosshook", "_CROSSHOOK_COMPLETE")
    return {i.value: i.help for i in shell.get_completions(list(words[:-1]), words[-1])}


def test_commands_come_from_their_records() -> None:
    """With their summaries, at each level."""
    assert {"run", "report", "completion"} <= set(offered(""))
    assert offered("rep") == {"report": "draw a run's report again", **offered("repro")}
    assert set(offered("plugins", "s")) == {"show"}
    assert "--compare" in offered("report", "--c")


@pytest.mark.parametrize(
    ("words", "name", "other"),
    [
        (("plugins", "show", "ve"), "vegas", "rejection"),
        (("plugins", "check", "--interface", "unweighter", ""), "rejection", "vegas"),
        (("schema", "show", ""), "vegas", "nothing"),
        (("unweight", "--use", ""), "rejection", "vegas"),
        (("unfold", "--method", ""), "ibu", "vegas"),
        (("unfold", "run.yaml", "--method", ""), "ibu", "vegas"),
    ],
)
def test_components_are_offered_by_name(words: tuple[str, ...], name: str, other: str) -> None:
    """Those that fit the place."""
    found = offered(*words)
    assert name in found
    assert other not in found


@pytest.mark.parametrize(
    ("words", "value", "other"),
    [
        (("run", "--set", "sampling.channel_mapping.use=ve"), "vegas", "flow"),
        (("run", "--set", "generate.surrogate.use="), "invariants", "vegas"),
        (("infer", "--set", "transfer.use=g"), "gaussian", "flow"),
        (("unfold", "--set", "unfolder.use="), "ibu", "vegas"),
        (("generate", "--set", "executor="), "serial", "vegas"),
        (("unweight", "--set", "executor="), "serial", "vegas"),
        (("reweight", "--set", "executor="), "serial", "vegas"),
    ],
)
def test_components_are_offered_as_values_of_keys(
    words: tuple[str, ...], value: str, other: str
) -> None:
    key = words[-1].partition("=")[0]
    found = offered(*words)
    assert f"{key}={value}" in found
    assert f"{key}={other}" not in found
    assert offered(*words[:-1], "seed=") == {}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("crosshook run --set sampling.channel_mapping.use = veg", 5),
        ("crosshook run --set sampling.channel_mapping.use =", 4),
    ],
)
def test_bash_which_parts_words_at_the_sign_gets_what_comes_after_it(
    monkeypatch: pytest.MonkeyPatch, line: str, word: int
) -> None:
    from click.shell_completion import get_completion_class

    teach_bash()
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(word))
    bash = get_completion_class("bash")
    assert bash is not None
    made = bash(command_tree(), {}, "crosshook", "_CROSSHOOK_COMPLETE").complete()
    assert "plain,vegas" in made.splitlines()


def test_a_group_that_means_a_command_offers_files() -> None:
    """`crosshook unfold RUN.yaml` is complete without a further word."""
    from click.shell_completion import ShellComplete

    shell = ShellComplete(command_tree(), {}, "crosshook", "_CROSSHOOK_COMPLETE")
    kinds = {item.type for item in shell.get_completions(["unfold"], "zj")}
    assert kinds == {"file"}


@pytest.mark.parametrize("shell", [name for name in WHERE if name != "bash"])
def test_scripts_are_printed(shell: str) -> None:
    """click's own, with our names; bash's asks the bash there is for its version."""
    from click.testing import CliRunner

    result = CliRunner().invoke(command_tree(), ["completion", shell])
    assert result.exit_code == 0
    assert "_CROSSHOOK_COMPLETE" in result.output


def test_bash_completes_without_anything_heavy() -> None:
    """The call that bash makes at every Tab, in a process of its own."""
    code = (
        "import os, sys\n"
        "os.environ |= {'_CROSSHOOK_COMPLETE': 'bash_complete', 'COMP_CWORD': '3',"
        " 'COMP_WORDS': 'crosshook plugins show veg'}\n"
        "from crosshook.core.cli import main\n"
        "try:\n    main([])\n"
        f"finally:\n    print([m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert made.stdout.splitlines() == ["plain,vegas", "[]"], made.stderr
