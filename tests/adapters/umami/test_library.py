"""What libraries behind UMAMI tell, and what happens with those that are wrong."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.adapters.umami.abi import Device, Input, Meta, Output
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.core.errors import ConfigurationError, CrosshookError, InputError, NumericalError
from tests.adapters.umami.conftest import build, top_pair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.umami.conftest import Compile


def test_the_header_of_2026_tells_everything(library: Compile) -> None:
    found = Library(library("gg_tt"))
    assert found.generation == "2026"
    assert found.device() == Device.CPU
    assert [found.meta(key) for key in (Meta.PARTICLE_COUNT, Meta.DIAGRAM_COUNT)] == [4, 3]
    assert found.masses(4) == (0, 0, 173, 173)
    supported, required = found.supported_inputs(), found.required_inputs()
    assert supported is not None
    assert required == {Input.MOMENTA}
    assert {Input.ALPHA_S, Input.RANDOM_COLOR} <= supported
    assert Input.FLAVOR_INDEX not in supported
    outputs = found.supported_outputs()
    assert outputs == {Output.MATRIX_ELEMENT, Output.DIAGRAM_AMP2, Output.COLOR_INDEX}


def test_the_header_of_2025_is_told_by_what_it_lacks(library: Compile) -> None:
    found = Library(library("gg_tt", "HEADER_2025"))
    assert found.generation == "2025"
    assert found.supported_inputs() is None
    assert found.masses(4) is None
    assert found.meta(Meta.COLOR_COUNT) == 2


WRONG = {
    "NO_INITIALIZE": (InputError, "it has no umami_initialize"),
    "PARTICLES=5": (ConfigurationError, "pdg: 4 legs, but"),
    "NAN_OUTPUT": (NumericalError, "is nan at momenta"),
    "NEGATIVE": (NumericalError, r"\|M\|² of g g > t t~ is -"),
    "NOT_INVARIANT": (NumericalError, "under a common boost and rotation"),
    "WANTS_HELICITY": (ConfigurationError, "must be given RANDOM_HELICITY"),
    "NO_ALPHA_S": (ConfigurationError, "takes no α_s"),
    "FAILS": (NumericalError, r"gave ERROR \(status 1, header of 2026\)"),
    "ON_DEVICE=1": (ConfigurationError, "computes on CUDA"),
    "ON_DEVICE=7": (InputError, "device 7; known are 0 CPU"),
}


@pytest.mark.parametrize("macro", WRONG)
def test_a_wrong_library_is_refused(macro: str, library: Compile) -> None:
    if macro == "ON_DEVICE=1" and torch.cuda.is_available():
        pytest.skip("there is a GPU, which this library would be given")
    kind, message = WRONG[macro]
    with pytest.raises(kind, match=message) as caught:
        build(top_pair(library("gg_tt", macro)))
    assert "libgg_tt" in str(caught.value) or "t t~" in str(caught.value)


@pytest.mark.parametrize("header", [(), ("HEADER_2025",)])
def test_statuses_have_the_names_of_their_header(
    header: tuple[str, ...], library: Compile
) -> None:
    found = Library(library("gg_tt", *header))
    numbers = {"2025": 6, "2026": 7}
    status = found.matrix_element(found.initialize(""), 0, 0, [], [])
    assert status == numbers[found.generation]


def test_an_old_library_that_needs_the_coupling_is_given_it(library: Compile) -> None:
    process = build(top_pair(library("gg_tt", "HEADER_2025", "NEEDS_ALPHA_S")))
    assert process.name == "g g > t t~"


def test_a_library_that_tells_its_numbers_late(library: Compile) -> None:
    process = build(top_pair(library("gg_tt", "LATE_META")))
    assert process.matrix_element().masses == (0, 0, 173, 173)


def test_no_library(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Library(tmp_path / "libnone.so")
    text = tmp_path / "libtext.so"
    text.write_text("int main;")
    with pytest.raises(InputError, match="cannot be loaded"):
        Library(text)


def test_cards_and_parameters(library: Compile) -> None:
    path = library("gg_tt")
    with pytest.raises(InputError, match=r"card 'missing\.dat' gave ERROR"):
        build(top_pair(path, card="missing.dat"))
    options = top_pair(path)
    with pytest.raises(ConfigurationError, match=r"parameters\.mass_b.*NOT_IMPLEMENTED"):
        build({**options, "parameters": {"mass_b": 4.7}})
    with pytest.raises(ConfigurationError, match=r"172\.5 GeV, but its library has 173"):
        build({**options, "masses": [0, 0, 172.5, 172.5]})


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "legs": ({"pdg": [21, 21, 6, -6, 21]}, "5 legs, but"),
    "flavour": ({"flavor_index": 1}, "has no flavours"),
    "flows": ({"colour_flows": []}, "colour_flows: needed"),
    "open line": ({"colour_flows": [[[501, 502], [503, 501], [503, 0], [0, 504]]]}, "is no flow"),
    "few": ({"colour_flows": [[[501, 502], [502, 503], [501, 0], [0, 503]]] * 3}, "3 listed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_the_library(name: str, library: Compile) -> None:
    changes, message = REFUSED[name]
    with pytest.raises(ConfigurationError, match=message):
        build(top_pair(library("gg_tt"), **changes))


CHANNELS: dict[str, tuple[list[dict[str, object]], str]] = {
    "twice": ([{"name": "a", "diagrams": [0]}] * 2, "each name once"),
    "diagram": ([{"name": "a", "diagrams": [3]}], "diagrams: 3, but .* has 3"),
    "some": ([{"name": "a", "diagrams": [0]}, {"name": "b"}], "b has no diagrams"),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_that_cannot_be(name: str, library: Compile) -> None:
    channels, message = CHANNELS[name]
    with pytest.raises(ConfigurationError, match=message):
        build({**top_pair(library("gg_tt")), "channels": channels})


def test_one_handle_per_thread_each_given_back(library: Compile) -> None:
    found = Library(library("gg_tt", "HEADER_2025", "COUNTED"))
    alive = found._library.provider_handles
    before = alive()
    handles = Handles(found, "")
    assert handles.mine() is handles.mine()
    seen = []

    def other(handles: Handles = handles) -> None:
        seen.append((handles.mine().value, alive()))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen[0][0] != handles.mine().value
    assert seen[0][1] == before + 2
    del handles, thread
    other.__defaults__ = ()
    gc.collect()
    assert alive() == before


def test_errors_are_those_of_crosshook() -> None:
    assert all(issubclass(kind, CrosshookError) for kind, _ in WRONG.values())
