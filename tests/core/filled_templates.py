"""What an author would write into each template of `crosshook plugins new`: bodies by method."""

from __future__ import annotations

FILLED: dict[str, dict[str, str]] = {
    "channel_mapping": {
        "forward": """
below = 1 + (self._strength - 1) * r
return self._strength * r / below, (self._strength / below**2).log().sum(dim=1)
""",
        "inverse": """
below = self._strength + (1 - self._strength) * u
return u / below, (self._strength / below**2).log().sum(dim=1)
""",
    },
    "channel_weights": {
        "log_weights": """
weights = self._power * log_prior
total = weights.logsumexp(dim=1, keepdim=True)
return (weights - total).where(log_prior.isfinite(), log_prior)
""",
    },
    "amplitude_surrogate": {
        "predict": """
import torch
from crosshook.core.interfaces.amplitude_surrogate import Prediction

beams = momenta[:, 0] + momenta[:, 1]
s = beams[:, 0] ** 2 - (beams[:, 1:] ** 2).sum(dim=1)
log_abs = self._coupling_power * alpha_s.log() + (4 - momenta.shape[1]) * s.log()
return Prediction(log_abs, torch.ones_like(s))
""",
    },
    "unweighter": {
        "fit": """
found = torch.zeros(pilot.n_channels, dtype=torch.float64, device=pilot.weight.device)
found = found.scatter_reduce(0, pilot.channel, pilot.weight.abs(), "amax")
self._maxima = self._margin * found
return ("maxima: the largest weights of the pilot",)
""",
        "unweight": """
from crosshook.core.interfaces.unweighter import Kept

rows = torch.arange(len(candidates.channel), device=candidates.channel.device)
size = candidates.weight(rows).abs()
limit = self._maxima.to(size.device)[candidates.channel]
index = (uniform[:, 0] * limit < size).nonzero()[:, 0]
return Kept(index, torch.maximum(limit[index], size[index]) / size[index])
""",
    },
    "unfolder": {
        "fit": """
# Iterative Bayes in ten fixed bins (d'Agostini); background is subtracted.
import torch
from crosshook.core.interfaces.training import FitReport

z, x, data = (f.dense[:, 0] for f in (simulation.truth, simulation.reco, measured.reco))
edges = torch.linspace(-2.0, 2.0, 9, dtype=torch.float64, device=z.device)

def counts(values, weights):
    empty = torch.zeros(10, dtype=torch.float64, device=values.device)
    return empty.index_add(0, torch.bucketize(values.contiguous(), edges), weights)

both = simulation.has_truth & simulation.has_reco
self._cell = torch.bucketize(z[simulation.has_truth].contiguous(), edges)
self._truth = simulation.truth.select(simulation.has_truth)
self._weight = simulation.weight[simulation.has_truth]
prior = counts(z[simulation.has_truth], self._weight)
pairs = 10 * torch.bucketize(z[both].contiguous(), edges)
pairs = pairs + torch.bucketize(x[both].contiguous(), edges)
response = torch.zeros(100, dtype=torch.float64, device=z.device)
response = response.index_add(0, pairs, simulation.weight[both]).reshape(10, 10)
response = response / prior[:, None]
seen = counts(x[simulation.has_reco], simulation.weight[simulation.has_reco])
genuine = counts(x[both], simulation.weight[both]) / seen
observed = counts(data, measured.weight)
if background is not None:
    observed = observed - counts(background.reco.dense[:, 0], background.weight)
observed = observed.clamp(min=0) * genuine
truth = prior / prior.sum() * observed.sum()
history = []
for _ in range(self._iterations):
    expected = truth @ response
    truth = truth / response.sum(dim=1) * (response @ (observed / expected))
    history.append(truth / prior)
self._history = torch.stack(history, dim=1)
return FitReport(0)
""",
        "unfold": """
from crosshook.core.interfaces.unfolder import Unfolded, WeightFamily

weights = self._weight[:, None] * self._history[self._cell]
labels = tuple(str(i + 1) for i in range(self._iterations))
return Unfolded(
    self._truth,
    {
        "nominal": WeightFamily("nominal", weights[:, -1:], ("nominal",)),
        "iterations": WeightFamily("iteration", weights, labels),
    },
)
""",
    },
    "transfer_function": {
        "log_prob": """
import math

pull = (reco.dense - truth.dense) / self._resolution
size = math.log(2 * math.pi) + 2 * math.log(self._resolution)
return -0.5 * (pull**2 + size).sum(dim=1)
""",
        "sample": """
import torch
from dataclasses import replace

many = truth.repeated(n_draws)
noise = torch.randn(many.dense.shape, generator=rng, dtype=torch.float64, device="cpu")
noise = noise.to(many.dense.device)
return replace(many, dense=many.dense + self._resolution * noise)
""",
        "log_acceptance": "return truth.dense[:, :0].sum(dim=1)",
    },
    "process": {
        "_value": """
import math

from crosshook.core import kinematics

s = kinematics.mass_squared(momenta[:, 0] + momenta[:, 1])
t = kinematics.mass_squared(momenta[:, 0] - momenta[:, 2])
return 32 * math.pi**2 * alpha**2 * (t**2 + (s + t) ** 2) / s**2
""",
        "_checkpoints": """
import math

legs = ((5.0, 0.0, 0.0, 5.0), (5.0, 0.0, 0.0, -5.0), (5.0, 5.0, 0.0, 0.0), (5.0, -5.0, 0.0, 0.0))
value = 16 * math.pi**2 * alpha**2
return (CheckPoint(0, legs, 0.118, value, 1e-12, "the formula at 90 degrees"),)
""",
    },
    "parton_density": {
        "xf": """
import torch

# B(3/2, 4) = 0.1015…: each flavour carries its share of the momentum.
shape = x**0.5 * (1 - x) ** 3 / 0.10158730158730159
shares = torch.tensor([0.05, 0.05, 0.15, 0.25, 0.5], dtype=torch.float64, device=x.device)
return shape[:, None] * shares
""",
        "alpha_s": "return self._alpha_s_mz / (1 + 1.22 * self._alpha_s_mz * (q / 91.1876).log())",
    },
    "generator": {
        "batch": """
from pathlib import Path

path = Path(f"batch-{request.number}.lhe")
return Job((self._program, str(request.events), str(request.seed), str(path)), path)
""",
        "reading": 'return Reading(program=log.split("\\n")[0])',
    },
    "event_format": {
        "_read_info": """
from crosshook.core.events.document import read_document

try:
    self._lines = self._file.read().decode().splitlines()
    first, last = self._lines[0], self._lines[-1]
    if first != "events" or not last.startswith("run "):
        raise InputError("it does not begin and end as it should")
    return read_document(last[4:])
except (IndexError, UnicodeDecodeError, InputError) as error:
    raise InputError(f"{self._path}: cannot be read: {error}") from error
""",
        "_read_events": """
import json

self._place = getattr(self, "_place", 1)
rows = [json.loads(line) for line in self._lines[self._place : -1][:n]]
self._place += len(rows)
if not rows:
    return None
return EventBatch.from_columns(
    self.info,
    [row["n"] for row in rows],
    {key: [row["event"][key] for row in rows] for key in rows[0]["event"]},
    {key: [v for row in rows for v in row[key]] for key in rows[0] if key in COLUMNS},
    [row["weights"] for row in rows],
)
""",
        "_write": """
import json

if not hasattr(self, "_sums"):
    self._sums = WeightSums()
    self._file.write(b"events\\n")
self._sums.add(batch)
for i, n in enumerate(batch.counts.tolist()):
    own = slice(batch.offsets[i], batch.offsets[i + 1])
    row = {"n": n, "event": {k: c[i].item() for k, c in batch.event.items()}}
    row |= {k: c[own].tolist() for k, c in batch.particle_columns.items()}
    row["weights"] = batch.weights[i].tolist()
    self._file.write(json.dumps(row).encode() + b"\\n")
""",
        "_finish": """
from crosshook.core.events.document import write_document

if not hasattr(self, "_sums"):
    self._sums = WeightSums()
    self._file.write(b"events\\n")
text = write_document(self._info if info is None else info, self._sums)
self._file.write(b"run " + text.encode())
self._file.close()
""",
        "sniff": """
with path.open("rb") as file:
    return file.readline() == b"events\\n"
""",
    },
    "event_reweighter": {
        "declare": """
from crosshook.core.events.run_info import WeightInfo

return (WeightInfo("harder", text="a harder spectrum"),)
""",
        "factors": """
import numpy as np

energy = np.asarray(batch.particle_columns["e"], np.float64)
own = np.repeat(np.arange(len(batch)), batch.counts)
total = np.bincount(own, weights=energy, minlength=len(batch))
return (1.0 + 1e-3 * self._strength * total)[:, None]
""",
    },
    "executor": {
        "as_completed": """
from crosshook.core.execute import one_thread

while self._waiting:
    task = self._waiting.popleft()
    with one_thread():
        result = task.run()
    yield task, result
""",
    },
}
"""Method → what stands in place of its `raise UnfinishedError(...)`."""

IMPORTED = {
    "event_format": """
from crosshook.core.cross_section import WeightSums
from crosshook.core.events.layout import PARTICLE_COLUMNS as COLUMNS
""",
}
"""Further imports at the top of a module."""
