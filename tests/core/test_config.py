"""Run files: defaults, settings from the command line, and everything that is not allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from crosshook.core.component import Slot
from crosshook.core.config import from_document, resolve
from crosshook.core.errors import ConfigurationError, CrosshookError, InputError, RegistryError
from crosshook.core.registry import default_registry
from crosshook.core.run_document import disabled, read_run_file
from crosshook.core.run_yaml import parse_yaml

HOME = Path(__file__).parents[2] / "examples"
OTHERS = ("\ngenerator:", "\ntransfer:")
"""Keys of examples that are run files of another kind."""
EXAMPLES = sorted(
    p for p in HOME.glob("*.yaml") if not any(key in p.read_text() for key in OTHERS)
)


def _resolve(document: dict[str, object], where: str = "run.yaml") -> Any:
    return resolve(document, where, default_registry())


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes `run.yaml` and gives its path."""

    def make(text: str | bytes) -> Path:
        path = tmp_path / "run.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make


def test_the_shortest_run_file() -> None:
    config = _resolve({"process": "pp-ttbar"})
    assert config.process == Slot("pp-ttbar", {"mass_t": 172.5, "light_flavours": 5})
    assert config.channel_mapping == Slot(
        "vegas", {"bins": 128, "iterations": 10, "moment": 4, "damping": 0.5}
    )
    assert config.unweighter.options["rule"] == "excess-share"
    assert config.density.use == "lhapdf"
    assert config.density.options["set"] == "ToyLH_LO"
    assert (config.energy, config.beams) == (None, None)
    assert (config.integrate_evaluations, config.events, config.pilot) == (10**6, 10**4, 200_000)
    assert config.formats == ("lhe.gz", "root")
    assert config.html
    assert not config.scale_variations
    assert (config.seed, config.device, config.block_size) == (1, "cpu", 16384)


def test_everything_given() -> None:
    config = _resolve(
        {
            "process": {"use": "drell-yan", "options": {"lepton": "mu"}},
            "beams": {"energy": 1960, "particles": [2212, -2212], "pdf": {"use": "lhapdf",
                      "options": {"set": "elsewhere", "member": 3}}},
            "scales": {"renormalisation": "2*m", "factorisation": 91.2},
            "cuts": {"m_min": 60, "where": "pt[0] > 5"},
            "sampling": {"channel_mapping": "uniform", "channel_weights": "uniform",
                         "evaluations": 0},
            "integrate": {"evaluations": 2.0e4, "histograms": {
                "mass": {"observable": "m", "bins": 3.0, "range": [1, 2], "unit": "GeV"}}},
            "generate": None,
            "variations": {"scales": "7-point", "pdf": "all"},
            "output": {"formats": [{"use": "root", "options": {"container": "ttree"}}],
                       "report": "none"},
            "seed": 0,
        }
    )  # fmt: skip
    assert config.beams == (2212, -2212)
    assert config.density.options["member"] == 3
    assert config.scales == {"renormalisation": "2*m", "factorisation": 91.2}
    assert config.channel_mapping == Slot("uniform")
    assert (config.train_evaluations, config.events, config.seed) == (0, 0, 0)
    assert (type(config.integrate_evaluations), config.integrate_evaluations) == (int, 20_000)
    (histogram,) = config.histograms
    assert (histogram.name, histogram.bins, histogram.low, histogram.high) == ("mass", 3, 1, 2)
    assert isinstance(histogram.bins, int)
    assert (histogram.label, histogram.unit) == ("", "GeV")
    assert config.scale_variations
    assert config.pdf_variations
    assert not config.html
    (root,) = config.formats
    assert root == Slot("root", {"container": "ttree", "codec": "zstd", "level": 1})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_resolve_to_themselves(path: Path) -> None:
    """The resolved document resolves to itself, and survives JSON."""
    document, where = read_run_file(path)
    config = _resolve(document, where)
    again = _resolve(dict(config.document), where)
    assert again == config
    assert from_document(json.loads(json.dumps(config.document))) == config


def test_resolving_leaves_the_document_alone() -> None:
    document: dict[str, object] = {"process": "pp-ttbar", "beams": {"energy": 7000}}
    before = json.dumps(document)
    _resolve(document)
    assert json.dumps(document) == before


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "top level": ({"proces": "pp-ttbar"}, "run.yaml: proces: not allowed; did you mean process?"),
    "second level": ({"beams": {"enrgy": 7}}, "run.yaml: beams.enrgy: not allowed; did you mean energy?"),
    "far from anything": ({"beams": {"zzzz": 7}}, "run.yaml: beams.zzzz: not allowed; allowed: energy, particles, pdf"),
    "slot": ({"sampling": {"channel_mapping": {"use": "vegas", "opts": {}}}}, "run.yaml: sampling.channel_mapping.opts: not allowed; did you mean options?"),
    "options of a slot": ({"generate": {"unweighter": {"use": "rejection", "options": {"quantil": 1}}}}, "run.yaml: generate.unweighter.options.quantil: not allowed; allowed: rule, share, fraction"),
    "options of the densities": ({"beams": {"pdf": {"use": "lhapdf", "options": {"set": "x", "membr": 1}}}}, "run.yaml: beams.pdf.options.membr: not allowed; did you mean member?"),
    "options of a format": ({"output": {"formats": ["lhe", {"use": "root", "options": {"codc": 1}}]}}, "run.yaml: output.formats[1].options.codc: not allowed; did you mean codec?"),
    "options of the process": ({"process": {"use": "pp-ttbar", "options": {"mass": 3}}}, "run.yaml: process.options.mass: not allowed; did you mean mass_t?"),
    "cut": ({"cuts": {"pt_mn": 3}}, "run.yaml: cuts.pt_mn: not allowed; did you mean pt_min?"),
    "histogram": ({"integrate": {"histograms": {"a": {"observable": "m", "bins": 2, "range": [0, 1], "labl": ""}}}}, "run.yaml: integrate.histograms.a.labl: not allowed; did you mean label?"),
    "missing": ({"integrate": {"histograms": {"a": {"observable": "m", "bins": 2}}}}, "run.yaml: integrate.histograms.a: 'range' is a required property"),
    "empty range": ({"integrate": {"histograms": {"a": {"observable": "m", "bins": 2, "range": [1, 1]}}}}, "run.yaml: integrate.histograms.a.range: [1, 1] is empty"),
    "type": ({"seed": "7"}, "run.yaml: seed: '7' is not of type 'integer'"),
    "bool is no number": ({"seed": True}, "run.yaml: seed: True is not of type 'integer'"),
    "fraction of an event": ({"generate": {"events": 2.5}}, "run.yaml: generate.events: 2.5 is not of type 'integer'"),
    "below": ({"beams": {"energy": 0}}, "run.yaml: beams.energy: 0 is less than or equal to the minimum of 0"),
    "not a number": ({"cuts": {"pt_min": float("nan")}}, "run.yaml: cuts.pt_min: nan is not a finite number"),
    "infinite": ({"beams": {"energy": float("inf")}}, "run.yaml: beams.energy: inf is not a finite number"),
    "beams": ({"beams": {"particles": [2212]}}, "run.yaml: beams.particles: [2212] is too short"),
    "choice": ({"variations": {"scales": "7point"}}, "run.yaml: variations.scales: '7point' is not one of none, 7-point; did you mean 7-point?"),
    "section without content": ({"sampling": None}, "run.yaml: sampling: None is not of type 'object'"),
    "not a slot": ({"sampling": {"channel_mapping": 3}}, "run.yaml: sampling.channel_mapping: 3 is not allowed; a component's name, or {use: NAME, options: {...}}"),
    "not a scale": ({"scales": {"renormalisation": [1]}}, "run.yaml: scales.renormalisation: [1] is not allowed; a name, a number in GeV, or an expression"),
    "component": ({"sampling": {"channel_mapping": "vegs"}}, "run.yaml: sampling.channel_mapping: no channel_mapping named 'vegs'; did you mean vegas?"),
    "process": ({"process": "pp-tbar"}, "run.yaml: process: no process named 'pp-tbar'; did you mean pp-ttbar?"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_path_and_suggestion(case: str) -> None:
    document, message = REFUSED[case]
    with pytest.raises((ConfigurationError, RegistryError)) as caught:
        _resolve({"process": "pp-ttbar", **document})
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2


def test_process_is_required() -> None:
    with pytest.raises(ConfigurationError, match=r"^run\.yaml: 'process' is a required property$"):
        _resolve({})


SETTINGS: dict[str, tuple[str, list[str], dict[str, object]]] = {
    "plain": ("seed: 1", ["seed=7"], {"seed": 7}),
    "new section": ("seed: 1", ["beams.energy=7000"], {"seed": 1, "beams": {"energy": 7000}}),
    "last one wins": ("seed: 1", ["seed=2", "seed=3"], {"seed": 3}),
    "empty section": ("cuts:", ["cuts.pt_min=3"], {"cuts": {"pt_min": 3}}),
    "null": ("generate: {events: 3}", ["generate=null"], {"generate": None}),
    "nothing is null": ("seed: 1", ["generate="], {"seed": 1, "generate": None}),
    "flow mapping": ("seed: 1", ["cuts={pt_min: 3}"], {"seed": 1, "cuts": {"pt_min": 3}}),
    "value with =": ("seed: 1", ["cuts.where=pt[0] >= 3"], {"seed": 1, "cuts": {"where": "pt[0] >= 3"}}),
    "short slot grows": (
        "sampling: {channel_mapping: vegas}",
        ["sampling.channel_mapping.options.bins=64"],
        {"sampling": {"channel_mapping": {"use": "vegas", "options": {"bins": 64}}}},
    ),
    "missing slot grows from its default": (
        "seed: 1",
        ["generate.unweighter.options.share=0.01"],
        {"seed": 1, "generate": {"unweighter": {"use": "rejection", "options": {"share": 0.01}}}},
    ),
    "long slot keeps the rest": (
        "process: {use: pp-ttbar, options: {mass_t: 173}}",
        ["process.options.light_flavours=4"],
        {"process": {"use": "pp-ttbar", "options": {"mass_t": 173, "light_flavours": 4}}},
    ),
    "name of a set grows into its component": (
        "beams: {pdf: Some_Set}",
        ["beams.pdf.options.member=2"],
        {"beams": {"pdf": {"use": "lhapdf", "options": {"set": "Some_Set", "member": 2}}}},
    ),
    "so does the default set": (
        "seed: 1",
        ["beams.pdf.options.member=2"],
        {"seed": 1, "beams": {"pdf": {"use": "lhapdf", "options": {"set": "ToyLH_LO", "member": 2}}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_settings(case: str, write: Any) -> None:
    text, settings, expected = SETTINGS[case]
    assert read_run_file(write(text), settings)[0] == expected


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed", "--set seed: write it as key=value, e.g. seed=7"),
        ("=3", "--set =3: write it as key=value, e.g. seed=7"),
        ("seed.x=3", "--set seed.x=3: seed is 1, not a mapping"),
        (
            "scales.renormalisation.x=3",
            "--set scales.renormalisation.x=3: scales.renormalisation is 'm', not a mapping",
        ),
        ("output.formats.0=lhe", "--set output.formats.0=lhe: output.formats is ['root'], not a"),
        ("cuts={", "--set cuts={ (line 1, column 2): not YAML: "),
        ("cuts=&a 3", "--set cuts=&a 3 (line 1, column 1): YAML anchors and aliases are not"),
        ("cuts=" + "[" * 5000, "--set cuts=[[["),
    ],
)
def test_settings_without_a_place(setting: str, message: str, write: Any) -> None:
    path = write("seed: 1\nscales: {renormalisation: m}\noutput: {formats: [root]}")
    with pytest.raises(ConfigurationError) as caught:
        read_run_file(path, [setting])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": a run file is a mapping of keys"),
        ("- process", ": a run file is a mapping of keys"),
        ("process: {use: pp-ttbar", " (line 1, column 24): not YAML: expected ',' or '}'"),
        ("a: b: c", " (line 1, column 5): not YAML: mapping values are not allowed here"),
        ("\tseed: 1", " (line 1, column 1): not YAML: "),
        ("seed: \x07", ": not YAML: "),
        ("seed: 2026-13-45", ": not YAML: "),
        ("seed: !!python/object/apply:os.getcwd []", " (line 1, column 7): not YAML: "),
        ("seed: &a 1\nblock_size: *a", " (line 1, column 7): YAML anchors and aliases are not"),
        ("a: &a [1]\nb: &b [*a, *a]", " (line 1, column 4): YAML anchors and aliases are not"),
        (
            "cuts:\n  pt_min: 1\n  pt_min: 2",
            " (line 3, column 3): the key 'pt_min' is there twice",
        ),
        ("7: 1", " (line 1, column 1): the key '7' is not a string; put it in quotes"),
        ("on: 1", " (line 1, column 1): the key 'on' is not a string; put it in quotes"),
        ("<<: {seed: 1}", " (line 1, column 1): the key '<<' is not a string"),
        ("seed: " + "[" * 5000, ": nested more than 50 deep"),
        ("a: 1\n---\na: 2", " (line 2, column 1): not YAML: "),
        ("#" * 1_000_001, ": larger than 1000000 bytes, which no run file is"),
    ],
)
def test_files_that_are_no_run_files(text: str, message: str, write: Any) -> None:
    path = write(text)
    with pytest.raises(CrosshookError) as caught:
        read_run_file(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)


def test_signs_of_anchors_inside_text_are_fine(write: Any) -> None:
    path = write("process: 'a & b'\ncuts: {where: 2*m > 3}  # *not* & an anchor")
    assert read_run_file(path)[0] == {"process": "a & b", "cuts": {"where": "2*m > 3"}}


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(InputError) as caught:
        read_run_file(path)
    assert str(caught.value) == f"{path}: No such file or directory"
    with pytest.raises(InputError):
        read_run_file(tmp_path)


def test_disabled() -> None:
    assert disabled({}, "run.yaml") == ()
    assert disabled({"disable": ["a", "b/c"]}, "run.yaml") == ("a", "b/c")
    with pytest.raises(ConfigurationError, match=r"^run\.yaml: disable: 'a' is not a list"):
        disabled({"disable": "a"}, "run.yaml")


def test_run_files_are_written_back_unchanged(write: Any) -> None:
    """What a run keeps as run.yaml reads as what was given."""
    document, _ = read_run_file(EXAMPLES[0], ["seed=5"])
    assert read_run_file(write(yaml.safe_dump(document)))[0] == document


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("2E6", 2e6), ("-1e+2", -100.0)])
def test_numbers_need_no_point(text: str, value: float) -> None:
    assert parse_yaml(f"key: {text}", "run.yaml") == {"key": value}


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert parse_yaml("key: 1e-3x", "run.yaml") == {"key": "1e-3x"}


def test_a_process_by_its_name_with_its_options() -> None:
    """`{NAME: {...}}`, and `{NAME: first option, ...}` in any order, as the long form."""
    registry = default_registry()

    def options(process: object) -> object:
        return resolve({"process": process}, "run.yaml", registry).process

    long = options({"use": "pp-ttbar", "options": {"mass_t": 170}})
    assert options({"pp-ttbar": {"mass_t": 170}}) == long
    long = options({"use": "python", "options": {"function": "m:f", "dimensions": 3}})
    assert options({"python": "m:f", "dimensions": 3}) == long
    assert options({"dimensions": 3, "python": "m:f"}) == long


PROCESSES: dict[str, tuple[object, str]] = {
    "unknown": ({"pp-tbar": {}}, "no process named 'pp-tbar'; did you mean pp-ttbar"),
    "unknown, short": ({"pyton": "m:f"}, "run.yaml: process: no process named 'pyton'"),
    "option": ({"pp-ttbar": {"mass": 1}}, r"process\.options\.mass: not allowed"),
    "beside": ({"python": "m:f", "dimension": 1}, "did you mean dimensions"),
    "nothing": ({}, "'use' is a required property"),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_processes_that_are_none(name: str) -> None:
    process, message = PROCESSES[name]
    with pytest.raises((ConfigurationError, RegistryError), match=message):
        resolve({"process": process}, "run.yaml", default_registry())
