"""Process directories as MadGraph lays them out, with small modules of ours in the generated code's place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import pytest

HERE = Path(__file__).parent

CARD = """\
Block mass
    5 4.700000e+00 # MB
    6 1.730000e+02 # MT
   23 9.118800D+01 # MZ
## Dependent parameters
   24 8.041900e+01 # w+ : cmath.sqrt(MZ__exp__2/2.)
Block SMINPUTS
    1 1.325070e+02 # aEWM1
DECAY   6 1.491500e+00 # WT
    1.0 2 24 5 # a branching ratio
DECAY  23 2.441404e+00 # WZ
DECAY  24 Auto # WW
"""

PROC_CARD = """\
import model sm-no_b_mass
define q = u u~ # two of them
generate e+ e- > mu+ mu-
add process q q > t t~ \\
  @2
output standalone there
"""

MUONS = """\
      SUBROUTINE SMATRIX(P,ANS)
C     Process: e+ e- > mu+ mu- WEIGHTED<=4 @1
      CALL OXXXXX(P(0,1),ZERO,NHEL(1),-1*IC(1),W(1,1))
      CALL IXXXXX(P(0,2),ZERO,NHEL(2),+1*IC(2),W(1,2))
      CALL IXXXXX(P(0,3),ZERO,NHEL(3),-1*IC(3),W(1,3))
      CALL OXXXXX(P(0,4),ZERO,NHEL(4),+1*IC(4),W(1,4))
      CALL FFV1P0_3(W(1,2),W(1,1),GC_3,ZERO,ZERO,W(1,5))
C     Amplitude(s) for diagram number 1
      CALL FFV1_0(W(1,3),W(1,4),W(1,5),GC_3,AMP(1))
      CALL FFV2_4_3(W(1,2),W(1,1),-GC_51,GC_59,MDL_MZ,
     $  FK_MDL_WZ,W(1,5))
C     Amplitude(s) for diagram number 2
      CALL FFV2_4_0(W(1,3),W(1,4),W(1,5),-GC_51,GC_59,AMP(2))
"""

PHOTON = '''\
"""Stands for matrix2py: e+e- -> photon -> mu+mu- with α of the card."""

import math

alpha = math.nan


def initialisemodel(path):
    global alpha
    print("read", path)
    for line in open(path):
        if "aEWM1" in line:
            alpha = 1 / float(line.split()[1])


def get_value(p, alphas, nhel):
    """ans = get_value(p,alphas,nhel)"""
    assert p.shape == (4, 4) and p.flags.f_contiguous and nhel == -1
    dot = lambda a, b: p[0, a] * p[0, b] - (p[1:, a] * p[1:, b]).sum()
    e4 = (4 * math.pi * alpha) ** 2
    return 2 * e4 * (dot(0, 2) ** 2 + dot(0, 3) ** 2) / dot(0, 1) ** 2
'''

TOPS = """\
      vxxxxx<M_ACCESS, W_ACCESS>( momenta, 0., cHel[ihel][0], -1, w_fp[0], 0 );
      vxxxxx<M_ACCESS, W_ACCESS>( momenta, 0., cHel[ihel][1], -1, w_fp[1], 1 );
      oxxxxx<M_ACCESS, W_ACCESS>( momenta, cIPD[0], cHel[ihel][2], +1, w_fp[2], 2 );
      ixxxxx<M_ACCESS, W_ACCESS>( momenta, cIPD[0], cHel[ihel][3], -1, w_fp[3], 3 );
      VVV1P0_1<W_ACCESS, CD_ACCESS>( w_fp[0], w_fp[1], COUPs[0], 1.0, 0., 0., w_fp[4] );
      // Amplitude(s) for diagram number 1
      FFV1_0<W_ACCESS, A_ACCESS, CD_ACCESS>( w_fp[3], w_fp[2], w_fp[4], COUPs[1], 1.0, &amp_fp[0] );
      FFV1_1<W_ACCESS, CD_ACCESS>( w_fp[2], w_fp[0], COUPs[1], 1.0, cIPD[0], cIPD[1], w_fp[4] );
      // Amplitude(s) for diagram number 2
      FFV1_0<W_ACCESS, A_ACCESS, CD_ACCESS>( w_fp[3], w_fp[4], w_fp[1], COUPs[1], 1.0, &amp_fp[0] );
      FFV1_2<W_ACCESS, CD_ACCESS>( w_fp[3], w_fp[0], COUPs[1], 1.0, cIPD[0], cIPD[1], w_fp[4] );
      // Amplitude(s) for diagram number 3
      FFV1_0<W_ACCESS, A_ACCESS, CD_ACCESS>( w_fp[4], w_fp[2], w_fp[1], COUPs[1], 1.0, &amp_fp[0] );
  // Process: g g > t t~ WEIGHTED<=2 @1
    const fptype tIPD[nIPD] = { (fptype)m_pars->mdl_MT, (fptype)m_pars->mdl_WT };
"""


class MakeDirectory(Protocol):
    """A process directory of these files, by their paths in it."""

    def __call__(self, files: dict[str, str], *, card: str = CARD) -> Path: ...


@pytest.fixture
def make_directory(tmp_path: Path) -> MakeDirectory:
    """See `MakeDirectory`."""

    def make(files: dict[str, str], *, card: str = CARD) -> Path:
        root = tmp_path / "there"
        for name, text in {"Cards/param_card.dat": card, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return make


@pytest.fixture
def muons(make_directory: MakeDirectory) -> Path:
    """`output standalone` of e+e- -> mu+mu-, built."""
    folder = "SubProcesses/P1_ll_ll"
    files = {f"{folder}/matrix.f": MUONS, f"{folder}/matrix2py.py": PHOTON}
    return make_directory({**files, "Cards/proc_card_mg5.dat": PROC_CARD})


def compile_bridge(path: Path, *macros: str) -> None:
    """The library of gg -> tt~ in C."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build a library with")
    flags = [f"-D{macro}" for macro in macros]
    command = [compiler, "-O2", "-shared", "-fPIC", *flags, str(HERE / "bridge.c")]
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, "-lm", "-o", str(path)], check=True)


@pytest.fixture(params=["IGRAPH", "OLD"])
def tops(request: pytest.FixtureRequest, make_directory: MakeDirectory) -> Path:
    """The cudacpp plugin's output of gg -> tt~, built, as of two versions."""
    name = "P1_Sigma_sm_gg_ttx"
    header = (
        "subroutine fbridgesequence(momenta, igraph, mes)" if request.param == "IGRAPH" else ""
    )
    root = make_directory(
        {
            f"SubProcesses/{name}/CPPProcess.cc": TOPS,
            f"SubProcesses/{name}/fbridge.cc": "",
            "SubProcesses/fbridge.inc": header,
        }
    )
    compile_bridge(root / "lib" / "libmg5amc_gg_ttx_cpp.so", request.param)
    return root
