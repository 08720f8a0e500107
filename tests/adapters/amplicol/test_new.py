"""`crosshook process new`, with a stub in the place of pyAmpliCol and its runtime."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import torch
import yaml

from crosshook.adapters.amplicol import generate
from crosshook.adapters.amplicol.outcome import flow_of
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.adapters.umami.source import UmamiSource
from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.phase_space.beams import incoming
from crosshook.core.phase_space.massive_rambo import MassiveRambo
from crosshook.core.registry import default_registry
from tests.adapters.command_line import call

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.process import Process

PROCESS = "p p > t t~"


def calls(environment: Path) -> int:
    """How often pyAmpliCol was started."""
    log = environment / "bin" / "calls"
    return len(log.read_text().splitlines()) if log.exists() else 0


def fragment(text: str) -> dict[str, list[dict[str, object]]]:
    """The options of the process in a fragment."""
    found: dict[str, list[dict[str, object]]] = yaml.safe_load(text)["process"]["umami"]
    return found


def points(n: int) -> Tensor:
    """gg → tt̄ at 1 TeV, evenly."""
    generator = torch.Generator().manual_seed(20261122)
    map_ = MassiveRambo((173.0, 173.0))
    uniform = torch.rand((n, map_.n_dim), dtype=torch.float64, generator=generator)
    energy = torch.full((n,), 1000.0, dtype=torch.float64)
    final, _ = map_.forward(uniform, energy.square())
    return torch.cat([incoming(energy / 2, energy / 2), final], dim=1)


def test_writes_a_fragment_once_generated(
    environment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All flavours share two amplitudes; what is there is not generated again."""
    words = ("process", "new", PROCESS, "--environment", environment)
    assert call(*words) == 0
    shown = capsys.readouterr()
    assert "6 partonic processes, 2 different amplitudes, full colour" in shown.err
    options = fragment(shown.out)
    assert options["masses"] == [0, 0, 173, 173]
    listed = [(s["pdg"], s["flavor_index"], s["mirror"]) for s in options["subprocesses"]]
    assert next(s for s in listed if s[0] == [21, 21, 6, -6])[2] is False
    quarks = [s for s in listed if s[0] != [21, 21, 6, -6]]
    assert sorted(abs(s[0][0]) for s in quarks) == [1, 2, 3, 4, 5]
    assert {s[1:] for s in quarks} == {(quarks[0][1], True)}
    assert {str(s["orders"]) for s in options["subprocesses"]} == {"{'qcd': 2, 'qed': 0}"}
    assert len(options["channels"]) == 3
    assert calls(environment) == 2  # full colour, and leading colour to draw flows with

    output = tmp_path / "process.yaml"
    assert call(*words, "--output", output) == 0
    assert "from the cache" in capsys.readouterr().err
    assert fragment(output.read_text()) == options
    assert call(*words, "--output", output) == 4
    assert calls(environment) == 2
    assert call(*words, "--accuracy", "leading-colour") == 0
    assert calls(environment) == 3


def test_library_takes_many_events_at_once(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """|M|², α_s, flavours and drawn flows of blocks are those of single events."""
    assert call("process", "new", PROCESS, "--environment", environment) == 0
    entry = fragment(capsys.readouterr().out)["subprocesses"][0]
    library = Library(Path(str(entry["library"])))
    momenta = points(3000)
    source = UmamiSource(Handles(library, ""), momenta[:1])
    assert (source.n_colour_flows, source.masses) == (2, (0, 0, 173, 173))
    ratio = (momenta[:, 0] * momenta[:, 2]).mul(torch.tensor([1.0, -1, -1, -1])).sum(1) / 500_000
    alpha_s = torch.linspace(0.1, 0.2, 3000, dtype=torch.float64)
    for flavour in (0, 1):
        found = source.evaluate(momenta, alpha_s, flavour).squared
        expected = (1 + flavour) * (1 + ratio**2) * (alpha_s / 0.118) ** 2
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    uniform = torch.rand(3000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gluons = int(str(entry["flavor_index"])) if entry["pdg"] == [21, 21, 6, -6] else 1
    flows = source.evaluate(momenta, alpha_s, gluons, colour_uniform=uniform).colour_flow
    assert flows is not None
    # the second flow has `ratio` of the sum: drawn where the random number is above the rest
    assert torch.equal(flows, (uniform >= 1 - ratio).long())
    one = source.evaluate(momenta, alpha_s, 1 - gluons, colour_uniform=uniform).colour_flow
    assert one is not None
    assert not one.any()


def test_process_by_its_name(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run files name a process; until it is generated they say how."""
    monkeypatch.setenv("CROSSHOOK_PYAMPLICOL", str(environment))
    registry = default_registry()
    context = BuildContext(registry=registry)
    slot = {
        "use": "pyamplicol",
        "options": {"process": "p p  > t t~", "parameters": {"mass_6": 172}},
    }
    command = "crosshook process new 'p p > t t~' --parameter mass_6=172.0"
    with pytest.raises(ConfigurationError, match=re.escape(command)):
        registry.build("process", slot, context, "process")
    assert call(*shlex.split(command)[1:]) == 0
    process = cast("Process", registry.build("process", slot, context, "process"))
    assert process.name == PROCESS
    labels = [s.label for s in process.matrix_element().subprocesses]
    assert len(labels) == 6


def test_parameters_and_widths_of_legs(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("process", "new", PROCESS, "--environment", environment, "--parameter")
    assert call(*words, "mass_6=172.5") == 0
    options = fragment(capsys.readouterr().out)
    assert options["masses"] == [0, 0, 172.5, 172.5]
    library = Path(str(options["subprocesses"][0]["library"]))
    header = library.with_name("process.h").read_text()
    assert '{"particle.6.width", 0.0}' in header  # a leg is stable
    assert '{"particle.6.mass", 172.5}' in header
    assert call(*words, "mass_7=1") == 2
    assert "unknown; known are alpha_ew, mass_6, width_6" in capsys.readouterr().err
    assert call(*words, "mass_6") == 2


def test_waits_while_symbolica_is_busy(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "WAIT", 0.0)
    (environment / "bin" / "busy").touch()
    assert call("process", "new", "g g > t t~", "--environment", environment) == 0
    assert "waiting: without a licence" in capsys.readouterr().err
    assert calls(environment) == 3


def test_failures_are_explained(
    environment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The environment, pyAmpliCol, the compiler: each with what can be done."""

    def reason(code: int, *words: object) -> str:
        assert call("process", "new", *words) == code
        return capsys.readouterr().err

    assert "no bin/python" in reason(3, PROCESS, "--environment", tmp_path)
    monkeypatch.setenv("CROSSHOOK_PYAMPLICOL", str(environment))
    (environment / "bin" / "broken").touch()
    text = reason(7, PROCESS)
    assert "stopped with code 1: ERROR: no such model; its log is " in text
    log = Path(text.split("its log is ")[1].split("\n")[0])
    assert "leaving" in log.read_text()
    assert [path.name for path in log.parent.iterdir()] == [log.name]  # nothing half done is left
    (environment / "bin" / "broken").unlink()
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler: looked for no-such-compiler" in reason(7, PROCESS)
    monkeypatch.setenv("CC", "false")
    assert "does not compile" in reason(7, PROCESS)
    folder = next((environment / "lib").glob("python*/site-packages/*"))
    folder.rmdir()
    assert "no pyAmpliCol there" in reason(3, PROCESS)


@pytest.mark.parametrize(
    ("pdg", "words"),
    [
        ((21, 21, 6, -6), [(2, 0, 1, 3), (2, 1, 0, 3)]),
        ((1, -1, 6, -6), [(1, 3, 2, 0)]),
        ((1, -2, 11, -12, 21, 21), [(1, 4, 5, 0), (1, 5, 4, 0)]),
        ((1, 2, 1, 2), [(2, 1, 3, 0), (2, 0, 3, 1)]),
        ((21, 21, 21), [(0, 1, 2), (0, 2, 1)]),
    ],
)
def test_words_become_closed_lines(pdg: tuple[int, ...], words: list[tuple[int, ...]]) -> None:
    """Each is one of all ways there are to join colours to anticolours."""

    def joined(flow: tuple[tuple[int, int], ...]) -> frozenset[tuple[tuple[int, int], ...]]:
        ends: dict[int, list[tuple[int, int]]] = {}
        for leg, line in enumerate(flow):
            for side, number in enumerate(line):
                if number:
                    ends.setdefault(number, []).append((leg, side))
        return frozenset(tuple(sorted(each)) for each in ends.values())

    possible = {joined(flow) for flow in possible_flows(pdg, 2)}
    found = {joined(flow_of(word, pdg)) for word in words}
    assert len(found) == len(words)
    assert found <= possible
