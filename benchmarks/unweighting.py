"""Time an amplitude surrogate saves in unweighting gg → 4g, against a single stage of the same sampler.

    python benchmarks/unweighting.py [--quick] [--json FILE] [--methods NAME ...] [--picture FILE]

The set-up is examples/gg-4g.yaml: |M|² in full colour by crosshook's own torch amplitude. Methods are
samplers: `flow` with the example's settings, `vegas`, and `rambo`, flat phase space without training.
Each run trains `invariants` with its defaults on points of its sampler, chooses the maxima in a pilot
(excess-share, 10⁻³, for one stage and for two), generates events in two stages, and measures the times.

f_eff = (α/α_full)·[t_ME/ε_full] / [t_NN/(ε1 ε2) + t_ME/ε2] (2109.11964), phase space, cuts and α_s in
both times; the ceiling is that of a surrogate without error that takes as long. ε_full depends on the
number N of points of the pilot, which is the `n` of the records. The time of a single stage takes
amplitudes in whole blocks, that of two stages as they come. Records: eps_full, eps1, eps2, alpha,
f_eff, f_eff_ceiling, f_eff_over_ceiling, us_point, us_surrogate, us_exact, train_s.

The picture is that of the documentation: f_eff by t_ME/t_NN, one t_ME for both, each sampler with its
measured efficiencies and t_PS/t_NN.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from records import Record, in_words, machine, write

from crosshook.core.run import run

if TYPE_CHECKING:
    from crosshook.core.generation_result import GenerationResult

EXAMPLE = Path(__file__).parents[1] / "examples" / "gg-4g.yaml"
CASE = "gg_4g"
SEED = 20261122
TRAINING, PILOT, EVENTS = 100_000, 180_000, 10_000
QUICK = 10
SAMPLERS = {
    "flow": (),
    "vegas": ("sampling.channel_mapping=vegas", "sampling.groups=null"),
    "rambo": (
        "process.options.phase_space=rambo",
        "sampling.channel_mapping=uniform",
        "sampling.groups=null",
    ),
}
PACKAGES = ("torch", "numpy", "crosshook")


def generation(method: str, quick: bool, seed: int) -> GenerationResult:
    """One run of a sampler."""
    part = QUICK if quick else 1
    events = EVENTS // part // (5 if method == "rambo" else 1)
    settings = (
        *SAMPLERS[method],
        f"generate.events={events}",
        f"generate.pilot={PILOT // part}",
        f"generate.surrogate={{use: invariants, train: {{evaluations: {TRAINING // part}}}}}",
        "generate.unweighter=two-stage",
        "integrate.evaluations=100000",
        f"sampling.evaluations={500_000 // part}",
        "output={formats: [lhe], report: none}",
    )
    with tempfile.TemporaryDirectory() as folder:
        result = run(EXAMPLE, settings=settings, output=Path(folder) / "run", seed=seed)
    assert result.generation is not None
    return result.generation


def records(method: str, found: GenerationResult, seed: int) -> list[Record]:
    """What is written of a run."""
    stages, surrogate = found.stages, found.surrogate
    assert stages is not None
    assert surrogate is not None
    values = {
        "eps_full": stages.single,
        "eps1": stages.first,
        "eps2": stages.second,
        "alpha": stages.kish,
        "f_eff": stages.gain,
        "f_eff_ceiling": stages.ceiling,
        "f_eff_over_ceiling": stages.gain / stages.ceiling,
        "us_point": 1e6 * stages.point_seconds,
        "us_surrogate": 1e6 * stages.surrogate_seconds,
        "us_exact": 1e6 * stages.exact_seconds,
        "train_s": surrogate.seconds,
    }
    return [
        Record(CASE, method, metric, value, 0.0, stages.pilot, seed)
        for metric, value in values.items()
    ]


def draw(path: Path, written: list[Record]) -> None:
    """Gain against the ratio of the times, a line a sampler."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "crosshook"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    ratio = np.logspace(-1, 4, 200)
    for method in dict.fromkeys(r.method for r in written):
        own = {r.metric: r.value for r in written if r.method == method}

        def gain(exact: np.ndarray, own: dict[str, float] = own) -> np.ndarray:
            point = own["us_point"] / own["us_surrogate"]
            two = (point + 1) / (own["eps1"] * own["eps2"]) + exact / own["eps2"]
            return own["alpha"] * (point + exact) / own["eps_full"] / two

        label = f"{method}: one stage keeps {own['eps_full']:.2g} of the points"
        axes.loglog(ratio, gain(ratio), label=label)
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.set_xlabel("time of an exact weight / time of its estimate")
    axes.set_ylabel("gain in time $f_{eff}$")
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Runs the samplers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--methods", nargs="+", choices=tuple(SAMPLERS), default=tuple(SAMPLERS))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--picture", type=Path, help="draw the gain there")
    given = parser.parse_args()
    about = machine(PACKAGES)
    print(in_words(about))
    columns = ("eps_full", "eps1", "eps2", "us_point", "us_surrogate", "us_exact")
    columns += ("f_eff", "f_eff_ceiling", "f_eff_over_ceiling")
    print(f"{'method':8}" + "".join(f"{name:>20}" for name in columns))
    written: list[Record] = []
    for method in given.methods:
        written += records(method, generation(method, given.quick, given.seed), given.seed)
        own = {r.metric: r.value for r in written if r.method == method}
        print(f"{method:8}" + "".join(f"{own[name]:20.4g}" for name in columns), flush=True)
    if given.json:
        write(given.json, about, written)
    if given.picture:
        draw(given.picture, written)


if __name__ == "__main__":
    main()
