"""madnis from PyPI behind crosshook's socket: the example package's own tests, and a run with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "examples" / "plugins" / "crosshook-madnis"


def test_a_flow_of_madnis_conforms_and_runs(environments, tmp_path: Path) -> None:
    # Its own tests alone need torchtestcase, of which there is no wheel.
    python = environments.python("madnis==1.0.0", "--no-deps", beside_crosshook=True)
    source, site = tmp_path / SOURCE.name, tmp_path / "site"
    shutil.copytree(SOURCE, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    # A new environment's setuptools may be older than the build needs.
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
    paths = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    tests = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(source / "tests")]
    done = subprocess.run(tests, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout

    settings = ["sampling.evaluations=20_000", "generate=null", "output.report=none"]
    words = [word for setting in settings for word in ("--set", setting)]
    command = [python, "-m", "crosshook", "run", str(source / "madnis.yaml"), "--quiet", *words]
    subprocess.run([*command, "--output", str(tmp_path / "run")], env=paths, check=True)
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    resolved = json.loads((tmp_path / "run" / "resolved.json").read_text("utf-8"))
    assert resolved["sampling"]["channel_mapping"]["use"] == "madnis"
    # ee-mumu at 91.2 GeV with the mapping that learns nothing, beside it.
    plain = ["--set", "sampling.channel_mapping=uniform", "--output", str(tmp_path / "plain")]
    subprocess.run([*command, *plain], env=paths, check=True)
    other = json.loads((tmp_path / "plain" / "report.json").read_text("utf-8"))
    one, two = report["integration"], other["integration"]
    error = (one["error"] ** 2 + two["error"] ** 2) ** 0.5
    assert abs(one["cross_section"] - two["cross_section"]) < 5 * error
    assert one["error"] < two["error"]
