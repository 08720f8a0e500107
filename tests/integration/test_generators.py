"""pp → e-e+j with pyAmpliCol's amplitudes against Sherpa: the benchmark itself, with a tenth of its points.

Generating takes about a minute; the library stays in `.integration/cache`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


def test_z_and_a_jet_as_sherpa_has_it(environments, tmp_path: Path) -> None:
    """σ within 3σ of Sherpa's, and at least five times its unweighting efficiency."""
    if "CROSSHOOK_REFERENCE_DATA" not in os.environ:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: no parton densities of Sherpa's runs")
    python = environments.python("pyamplicol==1.0.1")
    own = {
        "CROSSHOOK_PYAMPLICOL": str(python.parents[1]),
        "XDG_CACHE_HOME": str(ROOT / ".integration" / "cache"),
    }
    records = tmp_path / "records.json"
    script = [sys.executable, "benchmarks/generators.py", "--quick", "--cases", "z-jet"]
    subprocess.run([*script, "--json", str(records)], cwd=ROOT, env=os.environ | own, check=True)
    found = {
        (record["method"], record["metric"]): record["value"]
        for record in json.loads(records.read_text())["records"]
    }
    assert abs(found["crosshook", "pull_to_sherpa"]) < 3
    rule = "eff_sherpa_rule"
    assert found["crosshook", rule] > 5 * found["sherpa", rule]
