"""A run that was stopped goes on with the same bits, and says so when it cannot."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import crosshook.core.part_ledger as part_ledger_module
from crosshook.core.cli import main
from crosshook.core.errors import Cancelled, InputError, OutputError
from crosshook.core.results import as_json
from crosshook.core.run import SilentReporter, resume, run, unfinished_run
from crosshook.core.run_directory import RunDirectory

SCRIPT = Path(__file__).with_name("killed_runs.py")

FLOW = {
    "process": "pp-ttbar",
    "sampling": {
        "channel_mapping": {"use": "flow", "options": {"hidden": 8, "bins": 4, "layers": 2}},
        "channel_weights": "prior",
        "evaluations": 4000,
        "training": {"rounds": 3, "batch": 256, "passes": 10},
    },
    "integrate": {"evaluations": 4000},
    "generate": {"events": 800, "pilot": 2000},
    "block_size": 1000,
    "output": {"formats": ["lhe.gz"], "report": "none"},
    "seed": 7,
}

VEGAS = {
    "process": "drell-yan",
    "beams": {"pdf": "ToyLH_LO"},
    "sampling": {"evaluations": 4000},
    "integrate": {"evaluations": 3000},
    "generate": {"events": 500, "pilot": 1500},
    "block_size": 250,
    "output": {"formats": ["lhe"], "report": "none"},
}


def _written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("killed_runs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Stopper(SilentReporter):
    """Stops a run when a stage has come so far."""

    def __init__(self, stage: str, done: int) -> None:
        self._stage, self._done = stage, done

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == self._stage and done >= self._done:
            message = "enough"
            raise Cancelled(message)


@pytest.fixture(scope="module")
def vegas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run file, and the finished run in `whole`."""
    folder = tmp_path_factory.mktemp("vegas")
    run(_written(folder, VEGAS), output=folder / "whole")
    return folder


def _stopped(vegas: Path, place: Path, stage: str, done: int) -> Path:
    with pytest.raises(Cancelled):
        run(vegas / "run.yaml", output=place, reporter=Stopper(stage, done))
    return place


@pytest.mark.skipif(sys.platform == "win32", reason="kills and forks as POSIX does")
def test_a_flow_killed_at_every_stage(tmp_path: Path) -> None:
    """Half-written checkpoints, rounds, last stage, integration, pilot, events and outputs."""
    points = ["sync:3", "learn:60", "learn:240", "integrate:2", "generate:300", "register:2"]
    path = _written(tmp_path, FLOW)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(path), str(tmp_path), *points],
        capture_output=True,
        text=True,
        check=False,
        env={"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "killed" / "log.txt").read_text("utf-8").splitlines()
    assert sum(line.endswith(" resumed") for line in log) == len(points)
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {path.name for path in (tmp_path / "whole").iterdir()}
    assert "events.lhe.gz" in left
    assert not {"checkpoints", "parts"} & left


@pytest.mark.parametrize(
    ("stage", "done"), [("train", 5), ("integrate", 1), ("pilot", 2), ("generate", 200)]
)
def test_vegas_stopped_and_resumed(vegas: Path, tmp_path: Path, stage: str, done: int) -> None:
    place = _stopped(vegas, tmp_path / "run", stage, done)
    plain = _script().plain
    result = resume(place)
    assert _script().differences(vegas / "whole", place) == []
    assert plain(as_json(result)) == plain(json.loads((place / "report.json").read_text("utf-8")))
    manifest = RunDirectory(place).manifest.read_text("utf-8")
    names = [json.loads(line)["name"] for line in manifest.splitlines()]
    assert names == ["events.lhe", "report.json"]


def test_whole_blocks_of_events_are_taken_as_they_are(
    vegas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the one whose part was damaged, and that whose line is missing."""
    place = _stopped(vegas, tmp_path / "run", "generate", 400)
    parts = RunDirectory(place).parts
    blocks = sorted(path.stem for path in parts.glob("*.npz"))
    assert len(blocks) >= 3
    (parts / f"{blocks[0]}.npz").write_bytes(b"half of it")
    (parts / f"{blocks[2]}.json").unlink()
    added: list[int] = []
    add = part_ledger_module.PartLedger.add

    def counted(self: Any, block: Any) -> None:
        added.append(block.number)
        add(self, block)

    monkeypatch.setattr(part_ledger_module.PartLedger, "add", counted)
    resume(place)
    assert added[:2] == [0, 2]
    assert all(number >= len(blocks) for number in added[2:])
    assert _script().differences(vegas / "whole", place) == []


def test_what_cannot_be_resumed(vegas: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to resume: the run is finished"):
        resume(vegas / "whole")
    with pytest.raises(InputError, match=r"no run here: resolved.json is missing"):
        resume(tmp_path)
    (tmp_path / "resolved.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match=r"nothing to resume: checkpoints/run.json is missing"):
        resume(tmp_path)


def test_a_run_that_was_changed_or_damaged(vegas: Path, tmp_path: Path) -> None:
    place = _stopped(vegas, tmp_path / "run", "pilot", 1)
    directory = RunDirectory(place)
    record = directory.stage("integrate").read_text("utf-8")
    directory.stage("integrate").write_text(
        record.replace('"cross_section": ', '"cross_section": 1')
    )
    with pytest.raises(InputError, match=r"integrate.json: does not match its checksum"):
        resume(place)
    directory.stage("integrate").write_text(record, "utf-8")
    document = directory.read_json(directory.resolved)
    directory.write_json(directory.resolved, {**document, "seed": 99})
    with pytest.raises(InputError, match=r"run.json: belongs to a run with another configuration"):
        resume(place)
    directory.write_json(directory.resolved, document)
    resume(place)
    assert _script().differences(vegas / "whole", place) == []


def test_another_torch_is_a_warning(
    vegas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _stopped(vegas, tmp_path / "run", "pilot", 1)
    assert unfinished_run(place)[1] == ()
    with monkeypatch.context() as changed:
        changed.setattr("torch.__version__", "0.0.1")
        (told,) = unfinished_run(place)[1]
        assert told.startswith("torch build was ")
        assert "is 0.0.1 now: results may differ in the last digits" in told
        assert told in resume(place).notes


def test_an_unfinished_run_says_how_to_go_on(vegas: Path, tmp_path: Path) -> None:
    place = _stopped(vegas, tmp_path / "a run", "integrate", 1)
    with pytest.raises(OutputError, match="holds an unfinished run already; go on with") as caught:
        run(vegas / "run.yaml", output=place)
    assert f"`crosshook run --resume '{place}'`, or use --overwrite" in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="files are locked as POSIX does")
def test_one_process_at_a_time(vegas: Path, tmp_path: Path) -> None:
    place = _stopped(vegas, tmp_path / "run", "integrate", 1)
    with (
        RunDirectory(place).alone(),
        pytest.raises(OutputError, match="another process is working on this run"),
    ):
        resume(place)
    with (
        RunDirectory(place).alone(),
        pytest.raises(OutputError, match="another process is working on this run"),
    ):
        run(vegas / "run.yaml", output=place, overwrite=True)
    resume(place)
    assert _script().differences(vegas / "whole", place) == []


def test_the_command(
    vegas: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "run"

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr("crosshook.core.stages.integration.integrate", interrupted)
        with pytest.raises(SystemExit) as end:
            main(["run", str(vegas / "run.yaml"), "--output", str(place), "--quiet"])
    assert end.value.code == 130
    told = capsys.readouterr().err
    assert f"go on with: crosshook run --resume {place}\n" in told
    for arguments, left_out in (
        ([str(vegas / "run.yaml"), "--seed", "0"], "leave out RUN_FILE, --seed"),
        (["--set", "seed=3"], "--set seed=3: the run is settled; its executor alone"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["run", *arguments, "--resume", str(place)])
        assert end.value.code == 2
        assert left_out in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["run"])
    assert end.value.code == 2
    capsys.readouterr()
    main(["run", "--resume", str(place), "--json", "--set", "executor=serial"])
    assert json.loads(capsys.readouterr().out)["generation"]["events"] == 500
    assert _script().differences(vegas / "whole", place) == []
