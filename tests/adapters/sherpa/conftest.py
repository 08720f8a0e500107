"""A program that acts like Sherpa: e+e- events of known density, slowly, or with a failure.

cosθ is uniform, the weight 2σ·(1 + cos²θ)·3/4 times a random number of mean 1, and every second
point on average gives no event: Σw/Σtrials is σ, and unweighted events follow 1 + cos²θ.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SIGMA = 100.0
PROGRAM = r'''
import math, os, random, sys, time

words = sys.argv[1:]
if "--version" in words:
    if os.environ.get("FAKE") == "no library":
        print("Sherpa: error while loading shared libraries: libLHAPDF.so: cannot open", file=sys.stderr)
        sys.exit(127)
    sys.exit(print("Sherpa version 3.0.3 (Erebus)"))
events = int(words[words.index("--events") + 1])
rng = random.Random(int(words[words.index("--random-seed") + 1]))
print("\x1b[1mSHERPA v3.0.3 (Erebus)\x1b[0m")
if os.environ.get("FAKE") == "no density":
    print("Critical error thrown:\nPDF 'MMHT' does not exist in any of the loaded libraries")
    sys.exit(1)
print("\x1b[34m90.5 pb\x1b[0m +- ( 5.1 pb = 5.6 % ) 5000 ( 11925 -> 41.9 % )")
result = "2_2__e-__e+ : 100.0 pb +- ( 0.5 pb = 0.5 % )  exp. eff: 12.5 %"
print(result, flush=True)
output = [w for w in words if w.startswith("EVENT_OUTPUT")]
if not output:
    with open("integrations", "a") as file:
        file.write("one\n")
    sys.exit()
name = output[0].partition("[")[2].rstrip("]")
stop = float(os.environ.get("FAKE_STOP", "inf")) if name != "batch-000" else math.inf
if os.environ.get("FAKE") == "no file":
    sys.exit()
with open(name + ".lhe", "w") as file:
    file.write("""<LesHouchesEvents version="1.0">
<header>
<!--
# created by SHERPA 3.0.3
-->
</header>
<init>
11 -11 50 50 0 0 0 0 3 1
1 1 1 1
</init>
""")
    for number in range(events):
        if number >= stop:
            file.flush()
            if os.environ.get("FAKE") == "hang":
                time.sleep(600)
            sys.exit("the disk is on fire")
        trials = 1
        while rng.random() < 0.5:
            trials += 1
        c = rng.uniform(-1, 1)
        weight = 2 * 100.0 * 0.75 * (1 + c * c) * rng.uniform(0.2, 1.8)
        if os.environ.get("FAKE") == "nan" and number == 5:
            weight = math.nan
        phi = rng.uniform(0, 2 * math.pi)
        s = math.sqrt(1 - c * c)
        x, y, z = (50 * a for a in (s * math.cos(phi), s * math.sin(phi), c))
        file.write(f"<event trials='{trials}' muf2='1e4' mur2='1e4'>\n4 1 {weight:.10e} 1e2 -1 0.118\n")
        for pdg, status, p in ((11, -1, (0, 0, 50)), (-11, -1, (0, 0, -50)), (13, 1, (x, y, z)), (-13, 1, (-x, -y, -z))):
            file.write(f"{pdg} {status} 0 0 0 0 {p[0]:.12e} {p[1]:.12e} {p[2]:.12e} 50. 0. 0 9\n")
        file.write("</event>\n")
    file.write("</LesHouchesEvents>\n")
'''
CARD = "PROCESSES:\n- 11 -11 -> 13 -13: {Order: {QCD: 0, EW: 2}}\n"
RUN = """generator: {sherpa: Sherpa.yaml, binary: ./Sherpa}
generate: {events: 1500, pilot: 1000}
output: {directory: out, formats: [lhe], report: none}
seed: 20261122
"""


@dataclass(frozen=True)
class Place:
    """A folder with the program, a card and a run file."""

    folder: Path

    @property
    def run_file(self) -> Path:
        return self.folder / "run.yaml"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where tests run."""
    for name in ("FAKE", "FAKE_STOP"):
        monkeypatch.delenv(name, raising=False)
    program = tmp_path / "Sherpa"
    program.write_text(f"#!{sys.executable} -IS\n{PROGRAM}")
    program.chmod(0o755)
    (tmp_path / "Sherpa.yaml").write_text(CARD)
    (tmp_path / "run.yaml").write_text(RUN)
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)
