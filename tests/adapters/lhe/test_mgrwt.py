"""MadGraph's reweighting information: real events against the columns of the same events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crosshook.adapters.lhe.mgrwt import PartonFactors, read_mgrwt
from crosshook.core.errors import InputError
from crosshook.core.events.files import open_events

FOLDER = Path(__file__).parents[2] / "data" / "lhe"
TEXT = b"""# other lines
<mgrwt>
<rscale>  2 0.43339152D+03</rscale>
<asrwt>  2 0.1E+02 0.2E+02</asrwt>
<pdfrwt beam="2">  1       -1 0.10162608E-01 0.95878541E+02</pdfrwt>
<pdfrwt beam="1">  2    2 21 0.23E+00 0.25E+00 0.5E+03 0.6E+03</pdfrwt>
<totfact> 0.95027280E+00</totfact>
</mgrwt>
"""


def test_lists_of_any_length_and_beams_in_any_order() -> None:
    found = read_mgrwt(TEXT)
    assert found is not None
    assert (found.qcd_order, found.renormalisation_scale) == (2, 433.39152)
    assert found.vertex_scales == (10.0, 20.0)
    assert list(found.parton_factors) == [1, 2]
    assert found.parton_factors[1] == PartonFactors((2, 21), (0.23, 0.25), (500.0, 600.0))
    assert found.total_factor == 0.9502728


def test_momentum_fractions_are_those_of_the_incoming_partons() -> None:
    with open_events(FOLDER / "madgraph_pp_tt012j.lhe.gz") as stream:
        (batch,) = stream
    seen = 0
    for i, extra in enumerate(batch.raw["extra"]):
        found = read_mgrwt(extra)
        assert found is not None
        for beam, factors in found.parton_factors.items():
            # Others than the first one stand for emissions clustered away.
            row = batch.offsets[i] + beam - 1
            x = batch.particle_columns["e"][row] / batch.info.energies[beam - 1]
            # Eight digits, from before momenta were balanced for printing.
            assert factors.x[0] == pytest.approx(x, rel=1e-6)
            seen += 1
    assert seen == 2 * len(batch)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"</mgrwt>", b"", "<mgrwt> does not end"),
        (b"  2 0.1E+02", b"  3 0.1E+02", "<asrwt>: 3 announced, 2 numbers found"),
        (b"  2 0.43339152D+03", b" 2", "<rscale>: 2 numbers expected, 1 found"),
        (b" 0.95027280E+00", b"x", "<totfact>: 'x' is not a number"),
        (b'beam="2"', b"", "<pdfrwt>: beam: '[?]' is not a number"),
    ],
)
def test_what_cannot_be_read(old: bytes, new: bytes, message: str) -> None:
    with pytest.raises(InputError, match=re.compile(message)):
        read_mgrwt(TEXT.replace(old, new))


def test_none() -> None:
    assert read_mgrwt(b"#pdf 1 2\n") is None
