"""PyPI omnifold on one measurement: run by the interpreter of an environment that has it.

    PYTHON benchmarks/unfolding_contest/omnifold_package.py INPUT.npz OUTPUT.npz

`unfolding.py --omnifold-python PYTHON` runs it. The input has `truth`, `reco` and `data` of finite
numbers, the masks `has_truth` and `has_reco`, and `settings`, JSON: iterations, threads, and what
`MultiFold` takes. The output has the weights of every iteration, `(n, iterations)`, and the seconds of
the fit until then, by the clock and of the processor, `(iterations, 2)`; loading TensorFlow is not in
them. The package's own faults are mended where it would not run: its loss is registered with Keras, and
the values of events that lack a level are 0, columns being standardised.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def standardised(*samples: NDArray[np.float64]) -> list[NDArray[np.float32]]:
    """Samples less the mean of the first, over its standard deviation.

    Rows of NaN are events that are masked; they become 0, for the package's loss is NaN otherwise.
    """
    mean, deviation = np.nanmean(samples[0], axis=0), np.nanstd(samples[0], axis=0)
    return [np.nan_to_num((s - mean) / deviation).astype(np.float32) for s in samples]


def main() -> None:
    """Fits and writes."""
    import keras
    import omnifold
    import omnifold.omnifold as package
    import tensorflow as tf

    given = np.load(sys.argv[1])
    settings = json.loads(str(given["settings"]))
    iterations, threads, seed = (settings.pop(key) for key in ("iterations", "threads", "seed"))
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    keras.saving.register_keras_serializable("omnifold")(package.weighted_binary_crossentropy)
    has_truth, has_reco = given["has_truth"], given["has_reco"]
    truth = np.where(has_truth[:, None], given["truth"], np.nan)
    reco = np.where(has_reco[:, None], given["reco"], np.nan)
    (truth,), (reco, data) = standardised(truth), standardised(reco, given["data"])
    columns = truth.shape[1]
    found: list[NDArray[np.float64]] = []
    seconds: list[tuple[float, float]] = []

    class Recorded(omnifold.MultiFold):  # type: ignore[misc]
        """Keeps the weights and times of all iterations."""

        def RunStep2(self, i: int) -> None:
            super().RunStep2(i)
            found.append(np.asarray(self.weights_push, dtype=np.float64))
            seconds.append((time.perf_counter() - start, time.process_time() - used))

    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        # Both samples are scaled to one sum of weights: the package loses it otherwise.
        samples = [
            omnifold.DataLoader(reco=data, normalize=True),
            omnifold.DataLoader(
                reco=reco, pass_reco=has_reco, gen=truth, pass_gen=has_truth, normalize=True
            ),
        ]
        fit = Recorded(
            "peer",
            omnifold.MLP(columns),
            omnifold.MLP(columns),
            *samples,
            weights_folder=f"{folder}/weights",
            log_folder=folder,
            niter=iterations,
            **settings,
        )
        fit.Unfold()
    np.savez(sys.argv[2], weights=np.stack(found, axis=1), seconds=np.array(seconds))


if __name__ == "__main__":
    main()
