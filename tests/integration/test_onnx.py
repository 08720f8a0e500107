"""Surrogates as ONNX: written, read by onnxruntime alone, and the same as crosshook's own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.cli import main
from crosshook.core.surrogates.models import load_surrogate

if TYPE_CHECKING:
    from tests.integration.conftest import Environments

pytestmark = pytest.mark.integration

PACKAGES = ("onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2")
EXAMPLE = Path(__file__).parents[2] / "examples" / "surrogates" / "gg-3g.yaml"
READER = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
given = dict(np.load(sys.argv[2]))
names = ["log_abs", "sign", "log_std"]
np.savez(sys.argv[3], **dict(zip(names, session.run(names, given))))
assert "torch" not in sys.modules
"""
FLOAT32 = 1e-4


def test_onnxruntime_predicts_the_same(environments: Environments, tmp_path: Path) -> None:
    folder, file = tmp_path / "surrogate", tmp_path / "surrogate.onnx"
    flags = ["--set", "points.draw=3000", "--set", "surrogate.options.epochs=5", "--quiet"]
    main(["surrogate", "train", str(EXAMPLE), "--output", str(folder), *flags])
    python = environments.python(*PACKAGES, beside_crosshook=True)
    words = [str(python), "-m", "crosshook", "surrogate", "export", str(folder), str(file)]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["kind"] == "onnx"
    assert report["largest_difference"] < FLOAT32

    surrogate = load_surrogate(folder / "model")
    momenta, process, alpha_s = surrogate.samples()  # type: ignore[attr-defined]
    rows = slice(0, 11)  # another number than any the exporter has seen
    given, found = tmp_path / "given.npz", tmp_path / "found.npz"
    columns = {"momenta": momenta[rows], "process": process[rows], "alpha_s": alpha_s[rows]}
    np.savez(given, **{name: column.numpy() for name, column in columns.items()})
    subprocess.run([str(python), "-c", READER, str(file), str(given), str(found)], check=True)
    wanted = surrogate.predict(*columns.values())
    with np.load(found) as read:
        for name in ("log_abs", "sign", "log_std"):
            np.testing.assert_allclose(read[name], getattr(wanted, name).numpy(), atol=FLOAT32)


def test_models_out_of_onnx_files(environments: Environments) -> None:
    """The tests of the component, which a plain `pytest` skips without the extra."""
    python = environments.python(*PACKAGES, beside_crosshook=True)
    folder = Path(__file__).parents[1] / "plugins" / "onnx"
    words = [str(python), "-m", "pytest", "-q", "-rs", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "extra onnx is not installed" not in done.stdout
