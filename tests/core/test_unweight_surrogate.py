"""Files weighted by a surrogate, unweighted by exact amplitudes: sums, shapes, counts, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from crosshook.core.assemble import run_info
from crosshook.core.cli.files import unweight
from crosshook.core.component import Slot
from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, InputError, ModelError, OutputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.execute import SerialExecutor
from crosshook.core.interfaces.training import Budget
from crosshook.core.process.completion import choose_assignments, complete
from crosshook.core.process.surrogate_amplitudes import SurrogateAmplitudes
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.sampling.sums import block_sums
from crosshook.core.surrogates.models import load_surrogate, save_surrogate, surrogate_context
from crosshook.core.surrogates.sampler_source import SampledAmplitudes
from crosshook.core.unweight_surrogate import unweight_with_surrogate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.execute import Task
    from crosshook.core.process.scattering import ScatteringProcess

N, SEED = 12_000, 20261122


class Backwards(SerialExecutor):
    """Finishes in the reverse order, as a cluster may."""

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        self._waiting.reverse()
        yield from super().as_completed()


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`(file, model, exact weights, σ of the surrogate)`: Drell-Yan points in two process ids."""
    from crosshook.core.run import run

    folder = tmp_path_factory.mktemp("weighted")
    settings = (
        "output={report: none, formats: [lhe]}",
        "block_size=2000",
        "sampling.evaluations=10000",
        "integrate.evaluations=10000",
        "generate={events: 100, pilot: 2000}",
    )
    example = Path(__file__).parents[2] / "examples" / "drell-yan.yaml"
    run(example, settings=settings, output=folder / "run")
    return _write(folder)


def _write(folder: Path) -> tuple[Path, Path, np.ndarray]:
    from crosshook.core.config import from_document
    from crosshook.core.run_directory import RunDirectory
    from crosshook.core.sampling.build import SamplerSpec
    from crosshook.core.sampling.composition import Composition

    place = RunDirectory.open(folder / "run")
    config = from_document(place.read_json(place.resolved))
    models = {slot: place.model(slot) for slot in place.trained()}
    composition = Composition.from_json(place.read_json(place.composition))
    sampler = SamplerSpec.of(config, models, composition).sampler()
    process = cast("ScatteringProcess", sampler.integrand)
    shares = torch.full((sampler.n_channels,), 1 / sampler.n_channels, dtype=torch.float64)
    # A rough surrogate: within some 10 % of |M|².
    options = {"hidden": 32, "depth": 2, "epochs": 120}
    slot = Slot(
        "invariants",
        default_registry().options("amplitude_surrogate", Slot("invariants", options)),
    )
    context = surrogate_context(4, rng=torch_generator(SEED, "surrogate"))
    surrogate: Any = default_registry().build("amplitude_surrogate", slot, context)
    quiet: Any = type("Quiet", (), {"update": lambda *a, **k: None})()
    source = SampledAmplitudes(sampler, shares, quiet, seed=5, block_size=2000, allowed=0.0)
    surrogate.fit(source, Budget(8000), context)
    save_surrogate(surrogate, folder / "model", slot, context)
    element = SurrogateAmplitudes(load_surrogate(folder / "model"), process.matrix_element)
    with torch.no_grad():
        sample = sampler.draw(SEED, "weighted", 0, N, shares, 2)
        assert sample.evaluated is not None
        points, rows = sample.evaluated.points, sample.evaluated.rows
        uniform = sample.extra[rows]
        chosen = choose_assignments(points, uniform[:, 0])
        exact = sample.weight[rows] / shares[sample.channel[rows]]
        # The weight of the flavours the event has, by both amplitudes.
        ratio = torch.ones_like(exact)
        for number, assignment in enumerate(process.assignments):
            own = chosen == number
            p = points.momenta[own]
            p = process.legs_of_subprocess(p) if assignment.mirrored else p
            a = points.alpha_s[own]
            both = [
                e.squared(p, assignment.subprocess, a).value
                for e in (element, process.matrix_element)
            ]
            ratio[own] = both[0] / both[1]
        guess = exact * ratio
        info = run_info(config, process, block_sums(sample, sampler.n_channels))
        batch = complete(process, points, chosen, guess, uniform[:, 1], info)
    path = folder / "weighted.lhe"
    with create_events(path, info) as writer:
        writer.write(batch.with_table(info, np.zeros((len(batch), 0))))
        writer.close(info)
    return path, folder / "model", exact.numpy()


def test_exact_weights_come_out(weighted: Any, tmp_path: Path) -> None:
    """σ is that of the exact weights, by two errors: that of few |M|² and that of the points."""
    path, model, exact = weighted
    out = tmp_path / "out.lhe"
    report = unweight_with_surrogate(path, out, SEED, model, "drell-yan", pilot=4000)
    true = float(exact.mean())
    assert report.events_in == len(exact) == N
    assert report.cross_section_out_error_pb is not None
    # The points are the same: only |M|² computed by chance makes a difference.
    assert report.cross_section_in_error_pb is not None
    change = report.cross_section_out_pb / report.cross_section_in_pb
    common = report.cross_section_in_error_pb * change
    own = (report.cross_section_out_error_pb**2 - common**2) ** 0.5
    assert abs(report.cross_section_out_pb - true) < 5 * own < 0.02 * true
    assert report.pilot == 4000
    assert 0.5 < report.second < 1
    assert report.overweight_share < 3e-3
    batch, info = _read(out)
    weight = np.asarray(batch.event["weight"])
    assert len(weight) == report.events_out
    assert weight.mean() == pytest.approx(report.cross_section_out_pb, rel=1e-9)
    sums = WeightSums()
    sums.add(batch)
    assert cross_section(info, sums).value == pytest.approx(report.cross_section_out_pb)
    # Shapes: the mass of the pair, event by event against the exact weights.
    assert sum(p.cross_section for p in info.processes) == pytest.approx(weight.mean())
    before = _read(path)[0]
    for observable in (_mass, _rapidity):
        values = observable(before)
        expected = float((values * exact).sum() / exact.sum())
        found = float((observable(batch) * weight).sum() / weight.sum())
        spread = float(np.sqrt((exact * (values - expected) ** 2).sum() / exact.sum()))
        assert abs(found - expected) < 5 * spread / len(weight) ** 0.5


def _read(path: Path) -> tuple[Any, Any]:
    with open_events(path, N) as stream:
        (batch,) = list(stream)
        return batch, stream.info


def _pair(batch: Any) -> np.ndarray:
    (group,) = batch.to_torch()
    return group.momenta[:, -2:].sum(1).numpy()


def _mass(batch: Any) -> np.ndarray:
    p = _pair(batch)
    return np.sqrt(p[:, 0] ** 2 - (p[:, 1:] ** 2).sum(1))


def _rapidity(batch: Any) -> np.ndarray:
    p = _pair(batch)
    return np.arctanh(p[:, 3] / p[:, 0]) ** 2


def test_processes_have_their_exact_share(weighted: Any, tmp_path: Path) -> None:
    path, model, exact = weighted
    out = tmp_path / "out.lhe"
    unweight_with_surrogate(path, out, SEED, model, "drell-yan")
    before = _read(path)[0]
    info = _read(out)[1]
    number = np.asarray(before.event["process_id"])
    for process in info.processes:
        own = float(exact[number == process.process_id].sum() / len(exact))
        assert process.cross_section == pytest.approx(own, rel=0.01)


def test_same_seed_same_file(weighted: Any, tmp_path: Path) -> None:
    path, model, _ = weighted
    files = []
    for name in ("one.lhe", "two.lhe"):
        unweight_with_surrogate(path, tmp_path / name, 3, model, "drell-yan", pilot=1000)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]


def test_workers_give_the_same_file(weighted: Any, tmp_path: Path) -> None:
    """Both blocks and the pilot are tasks, which end in the wrong order."""
    path, model, _ = weighted
    reports = []
    for name, executor in (("one.lhe", None), ("two.lhe", Backwards())):
        out = tmp_path / name
        found = unweight_with_surrogate(
            path, out, 3, model, "drell-yan", pilot=1000, executor=executor
        )
        reports.append(replace(found, output=""))
    assert reports[0] == reports[1]
    assert (tmp_path / "one.lhe").read_bytes() == (tmp_path / "two.lhe").read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"one.lhe", "two.lhe"}


def test_command(weighted: Any, tmp_path: Path) -> None:
    path, model, _ = weighted
    words = [str(path), str(tmp_path / "out.lhe"), "--seed", "3", "--json"]
    surrogate = ["--surrogate", str(model), "--process", "drell-yan", "--pilot", "2000"]
    found = CliRunner().invoke(unweight, [*words, *surrogate])
    assert found.exit_code == 0, found.output
    report = json.loads(found.output)
    assert report["pilot"] == 2000
    assert report["events_out"] < report["exact"] <= N + 2000
    assert report["process"]["use"] == "drell-yan"
    words[1] = str(tmp_path / "table.lhe")
    found = CliRunner().invoke(unweight, [*words[:-1], *surrogate])
    assert found.exit_code == 0, found.output
    assert "exact |M|²" in found.output
    found = CliRunner().invoke(unweight, [*words, *surrogate[:2]])
    assert found.exit_code != 0
    assert "belong together" in found.output


def test_refusals(weighted: Any, tmp_path: Path) -> None:
    path, model, _ = weighted
    out = tmp_path / "out.lhe"
    with pytest.raises(ConfigurationError, match="makes no use of a surrogate; use two-stage"):
        unweight_with_surrogate(path, out, 1, model, "drell-yan", "rejection")
    with pytest.raises(ModelError, match="no model here"):
        unweight_with_surrogate(path, out, 1, tmp_path, "drell-yan")
    with pytest.raises(InputError, match="no subprocess"):
        unweight_with_surrogate(path, out, 1, model, "pp-ttbar")
    out.touch()
    with pytest.raises(OutputError, match="exists already"):
        unweight_with_surrogate(path, out, 1, model, "drell-yan")
    with pytest.raises(OutputError, match="is the input itself"):
        unweight_with_surrogate(path, path, 1, model, "drell-yan", overwrite=True)
