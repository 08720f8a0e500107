"""Several files as one stream, pipes, and what does not fit together."""

from __future__ import annotations

import io
import os
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.run_info import ProcessInfo, WeightInfo

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo


def written(path: Path, batch: EventBatch, **changes: object) -> Path:
    """A file of the batch under a changed run."""
    info: RunInfo = replace(batch.info, **changes)  # type: ignore[arg-type]
    with create_events(path, info) as writer:
        writer.write(replace(batch, info=info))
    return path


def test_files_are_read_one_after_another(tmp_path: Path, batch: EventBatch) -> None:
    paths = [
        written(tmp_path / name, batch, header={"seed": str(i)})
        for i, name in enumerate(["a.lhe", "b.lhe.gz", "c.root", "d.parquet"])
    ]
    with open_events([str(paths[0]), *paths[1:]], 3) as stream:
        weights = [w for part in stream for w in part.event["weight"].tolist()]
        assert stream.info.header == {"seed": "0"}
        assert stream.skipped == []
    assert weights == 4 * batch.event["weight"].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energies": (1.0, 2.0)}, r"beam energies \(1.0, 2.0\), not"),
        ({"weighting": 3}, "IDWTUP 3, not"),
        ({"pdf_sets": (5, 5)}, r"sets of parton densities \(5, 5\), not"),
        ({"processes": (ProcessInfo(77, 1.0, 0.1, 1.0),)}, r"processes \[77\], not"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, batch: EventBatch, changes: dict[str, object], message: str
) -> None:
    one = written(tmp_path / "one.lhe", batch)
    other = written(tmp_path / "other.lhe", batch, **changes)
    with pytest.raises(InputError, match=rf"{other}: does not continue {one}: {message}"):
        open_events([one, other])


def test_cross_sections_must_agree(tmp_path: Path, batch: EventBatch) -> None:
    paths = [
        written(tmp_path / f"{i}.lhe", batch, processes=(ProcessInfo(1, sigma, 0.3, 9.0),))
        for i, sigma in enumerate([10.0, 12.1, 12.2])
    ]  # five standard errors are 5 √2 · 0.3 = 2.12
    with open_events(paths[:2]) as stream:
        assert sum(map(len, stream)) == 2 * len(batch)
    with pytest.raises(
        InputError, match=r"cross sections of process 1 in pb 12\.2 ± 0\.3, not 10"
    ):
        open_events([paths[0], paths[2]])


def test_weights_must_fit(tmp_path: Path, batch: EventBatch) -> None:
    ids = [WeightInfo(f"w{i}") for i in range(len(batch.info.weights))]
    paths = [written(tmp_path / "a.lhe", batch), written(tmp_path / "b.lhe", batch, weights=ids)]
    with pytest.raises(InputError, match="further weights"):
        open_events(paths)


def test_event_columns_must_fit(tmp_path: Path, batch: EventBatch) -> None:
    event = {k: v for k, v in batch.event.items() if k != "trials"}
    event |= {"trials": batch.event["weight"]} if "trials" not in batch.event else {}
    paths = [
        written(tmp_path / "a.lhe", batch),
        written(tmp_path / "b.lhe", replace(batch, event=event)),
    ]
    with (
        open_events(paths) as stream,
        pytest.raises(InputError, match=r"b\.lhe: not all of the files have the event .* trials"),
    ):
        list(stream)


@pytest.mark.parametrize("name", ["a.lhe", "a.lhe.gz"])
def test_standard_input(
    tmp_path: Path, batch: EventBatch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = written(tmp_path / name, batch).read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    with open_events("-") as stream:
        assert sum(map(len, stream)) == len(batch)
    with pytest.raises(InputError, match="standard input"):
        open_events(["-", tmp_path / name])


def test_named_pipes(tmp_path: Path, batch: EventBatch) -> None:
    data = written(tmp_path / "a.lhe", batch).read_bytes()
    for name in ("pipe", "pipe.lhe"):
        pipe = tmp_path / name
        os.mkfifo(pipe)
        feeding = threading.Thread(target=pipe.write_bytes, args=(data,))
        feeding.start()
        with open_events(pipe) as stream:
            assert sum(map(len, stream)) == len(batch)
        feeding.join()
    os.mkfifo(tmp_path / "pipe.root")
    with pytest.raises(InputError, match="a pipe can be read as lhe only"):
        open_events(tmp_path / "pipe.root")


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="no event files were given"):
        open_events([])
    with pytest.raises(ConfigurationError, match="on_error is 'ignore'; allowed are stop, skip"):
        open_events("a.lhe", on_error="ignore")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="batch_size is 0"):
        open_events("a.lhe", 0)
