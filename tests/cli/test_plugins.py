"""`crosshook plugins` and `crosshook schema`, also with third-party plugins on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crosshook
from crosshook import schemas
from crosshook.core.cli import main

EXAMPLE = Path(__file__).parents[1] / "example_plugin" / "src"

RECORD = """
from crosshook import Component, hookimpl
@hookimpl
def crosshook_channel_mapping():
    return [Component({name!r}, {target!r}, "from {module}", api={api})]
"""


class Site:
    """A folder on the path with plugins in it, as pip would have installed them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, distribution: str, entry: str, module: str, body: str | None) -> None:
        """Writes a distribution's metadata and, unless body is None, its module."""
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[crosshook]\n{entry} = {module}\n")
        if body is not None:
            (self.folder / f"{module}.py").write_text(body)

    def mapping(
        self, distribution: str, name: str, api: int = 1, target: str | None = None
    ) -> None:
        """A plugin with one channel mapping."""
        module = distribution.replace("-", "_")
        target = target or "crosshook.plugins.uniform.mapping:make"
        body = RECORD.format(name=name, target=target, module=module, api=api)
        self.add(distribution, module, module, body)

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Output and errors of a command that sees the folder."""
        path = os.pathsep.join([str(self.folder), str(EXAMPLE)])
        done = subprocess.run(
            [sys.executable, "-m", "crosshook", *words],
            env={**os.environ, "PYTHONPATH": path},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """Output and errors of a command in this process."""
    try:
        main(list(words))
        found = 0
    except SystemExit as stop:
        found = stop.code if isinstance(stop.code, int) else 1
    captured = capsys.readouterr()
    assert found == code, captured
    return captured.out, captured.err


def test_list_names_every_interface_and_component(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "list")
    for word in ("channel_mapping:", "vegas", "rejection", "transfer_function:"):
        assert word in out
    out, _ = run(capsys, "plugins", "list", "--interface", "unweighter")
    assert "vegas" not in out


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "list", "--json", "--interface", "channel_mapping")
    document = json.loads(out)
    vegas = next(c for c in document["components"] if c["name"] == "vegas")
    assert vegas["distribution"] == "crosshook"
    assert vegas["status"] == "ok"
    assert "trainable" in vegas["capabilities"]
    assert {c["interface"] for c in document["components"]} == {"channel_mapping"}


def test_show_has_every_capability(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "show", "two-stage")
    assert "capabilities  event_wise, stateful, two_stage\n" in out


def test_show_has_a_table_of_options(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "show", "rejection")
    assert 'rule: one of maximum, carried-share, excess-share, bootstrap-median; default "' in out
    assert "share: number ≥ 0 and < 1; default 0.001" in out
    assert "from          crosshook" in out
    out, _ = run(capsys, "plugins", "show", "uniform", "--interface", "channel_weights")
    assert "options       none" in out


def test_show_as_json_holds_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "show", "vegas", "--json")
    assert "bins" in json.loads(out)["options"]["properties"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("plugins", "show", "vegsa"), "no component named 'vegsa'; did you mean vegas?"),
        (("plugins", "show", "uniform"), "is a channel_mapping and a channel_weights; say which"),
        (("plugins", "check", "drell-yann"), "did you mean drell-yan?"),
        (("plugins", "check", "vegas", "--set", "bins=0"), "vegas.options.bins: 0 is less than"),
        (
            ("plugins", "check", "vegas", "--device", "tpu"),
            "does not run on 'tpu'; it runs on cpu",
        ),
        (("schema", "show", "v1/rum"), "no schema or component named 'v1/rum'; did you mean v1/"),
    ],
)
def test_mistakes_end_in_one_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    _, err = run(capsys, *words, code=2)
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_check_prints_a_line_for_each_law(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "check", "prior")
    assert "passed  alpha_sums_to_one" in out
    assert "skipped training_keeps_its_budget (not declared trainable)" in out
    assert out.strip().endswith("0 fail, 2 skipped")


def test_check_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "check", "prior", "--json")
    document = json.loads(out)
    assert document["passed"] is True
    assert all(check["law"] for check in document["checks"])


NOT_A_NUMBER = """
class Nan:
    def forward(self, r, channel, condition=None):
        return r, r[:, 0] * float("nan")
    inverse = forward

def make(context):
    return Nan()
"""


def test_check_as_json_is_json_whatever_was_found(site: Site) -> None:
    site.mapping("crosshook-nan", "nan", target="not_a_number:make")
    (site.folder / "not_a_number.py").write_text(NOT_A_NUMBER)
    out, _ = site.run("plugins", "check", "nan", "--json", code=1)
    document = json.loads(out, parse_constant=pytest.fail)
    figures = [f["figures"] for c in document["checks"] for f in c["findings"]]
    assert None in [given.get("got") for given in figures]


def test_check_says_once_that_a_module_cannot_be_imported(site: Site) -> None:
    site.mapping("crosshook-typo", "typo", target="with_a_typo:make")
    (site.folder / "with_a_typo.py").write_text("def make(context) return\n")
    out, err = site.run("plugins", "check", "typo", code=2)
    assert out == ""
    assert err.startswith("error: channel_mapping 'typo': cannot import with_a_typo:make: SyntaxE")
    assert err.count("\n") == 1


def test_schema_show(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "schema", "show")
    assert out.split() == schemas.names()
    for name in ("v1/run", "run"):
        out, _ = run(capsys, "schema", "show", name)
        assert json.loads(out) == schemas.load("v1/run")
    out, _ = run(capsys, "schema", "show", "vegas")
    assert json.loads(out) == schemas.load("v1/components/vegas")


def test_third_party_plugin_is_listed_and_gone_when_removed(site: Site) -> None:
    before, _ = site.run("plugins", "list")
    site.add("crosshook-tilt", "tilt", "crosshook_tilt", None)
    out, _ = site.run("plugins", "list")
    assert "tilt" in out
    assert "crosshook-tilt" in out
    info = site.folder / "crosshook_tilt-1.0.dist-info"
    for path in info.iterdir():
        path.unlink()
    info.rmdir()
    assert site.run("plugins", "list")[0] == before


def test_third_party_executor_computes_a_run(site: Site) -> None:
    """By name, to the same bits: nothing depends on the order of tasks."""
    site.add("crosshook-tilt", "tilt", "crosshook_tilt", None)
    assert "last-first" in site.run("plugins", "list", "--interface", "executor")[0]
    (site.folder / "run.yaml").write_text(
        "process: ee-mumu\nblock_size: 500\nsampling: {evaluations: 2000}\n"
        "integrate: {evaluations: 2000}\ngenerate: {events: 2000, pilot: 2000}\n"
        "output: {formats: [lhe], report: none}\nexecutor: last-first\n"
    )
    site.run("run", "run.yaml", "--output", "one", "--quiet")
    resolved = json.loads((site.folder / "one" / "resolved.json").read_text())
    assert resolved["executor"]["use"] == "last-first"
    crosshook.run(
        site.folder / "run.yaml", settings=("executor=serial",), output=site.folder / "two"
    )
    events = [(site.folder / name / "events.lhe").read_bytes() for name in ("one", "two")]
    assert events[0] == events[1]


def test_broken_plugin_is_shown_with_its_reason(site: Site) -> None:
    site.add("sick", "sick", "sick", "import no_such_module_anywhere\n")
    out, _ = site.run("plugins", "list")
    assert "sick (sick 1.0): broken: ModuleNotFoundError: No module named 'no_such" in out
    assert "vegas" in out
    document = json.loads(site.run("plugins", "list", "--json")[0])
    (sick,) = (p for p in document["plugins"] if p["name"] == "sick")
    assert sick["status"].startswith("broken: ")


def test_clash_is_named_with_both_distributions(site: Site) -> None:
    site.mapping("other-grids", "vegas")
    out, _ = site.run("plugins", "list")
    assert "[write other_grids/vegas: the name is taken twice]" in out
    assert "[write builtin/vegas: the name is taken twice]" in out
    _, err = site.run("plugins", "show", "vegas", code=2)
    assert "crosshook (plugin builtin) and other-grids (plugin other_grids)" in err
    out, _ = site.run("plugins", "show", "other_grids/vegas")
    assert "from          other-grids 1.0" in out


def test_commands_of_plugins_that_clash_or_break_end_in_one_line(site: Site) -> None:
    commands = {
        ("greet",): "greeting:greet",
        ("report",): "greeting:report",
        ("plugins", "gone"): "greeting:no_such_name",
        ("plugins", "text"): "greeting:text",
    }
    records = "".join(f"    yield Command({path}, {t!r}, 'x')\n" for path, t in commands.items())
    body = (
        "from crosshook import Command, hookimpl\n"
        "@hookimpl\n"
        f"def crosshook_command():\n{records}"
        "import click\n"
        "greet = report = click.Command('greet', callback=lambda: click.echo('hello'))\n"
        "text = str\n"
    )
    site.add("greeting", "greeting", "greeting", body)
    assert site.run("greet")[0] == "hello\n"
    assert "greet" in site.run("--help")[0]
    for words, message in (
        (("report",), "'report' is offered by crosshook.core.cli.report:report and greeting:repo"),
        (("plugins", "gone"), "'gone': cannot import greeting:no_such_name: AttributeError"),
        (("plugins", "text"), "'text': greeting:text is not a click command"),
    ):
        _, err = site.run(*words, code=2)
        assert err.startswith("error: command ")
        assert message in err


def test_failing_listener_ends_the_run_by_name(site: Site) -> None:
    body = (
        "from crosshook import hookimpl\n"
        "@hookimpl\n"
        "def crosshook_run_started(plan):\n"
        "    raise ConnectionError('no tracking service')\n"
    )
    site.add("tracker", "tracker", "tracker", body)
    (site.folder / "run.yaml").write_text(
        "process: ee-mumu\nsampling: {evaluations: 2000}\nintegrate: {evaluations: 2000}\n"
        "generate: null\noutput: {report: none}\n"
    )
    _, err = site.run("run", "run.yaml", code=2)
    assert err.splitlines()[-1] == (
        "error: crosshook_run_started of tracker (plugin tracker) fails: ConnectionError: "
        "no tracking service; mend it, or leave it out with disable: [tracker]"
    )
    site.run("run", "run.yaml", "--overwrite", "--set", "disable=[tracker]")


def test_plugin_for_a_newer_interface_is_listed_as_unusable(site: Site) -> None:
    site.mapping("from-the-future", "grids", api=2)
    out, _ = site.run("plugins", "list")
    assert "[unusable: written for channel_mapping api 2; this crosshook knows 1: " in out
    _, err = site.run("plugins", "check", "grids", code=2)
    assert "'grids' is unusable: written for channel_mapping api 2" in err


def test_failing_component_ends_with_law_input_and_exit_code_1(site: Site) -> None:
    body = RECORD.format(name="off", target="wrong:Off", module="wrong", api=1) + (
        "class Off:\n"
        "    def __init__(self, context): pass\n"
        "    def forward(self, r, channel, condition=None): return r, 0.1 + 0 * r[:, 0]\n"
        "    def inverse(self, u, channel, condition=None): return u, -0.1 + 0 * u[:, 0]\n"
    )
    site.add("wrong", "wrong", "wrong", body)
    out, _ = site.run("plugins", "check", "off", code=1)
    assert "failed  log_det_is_the_jacobian" in out
    assert "law:   log_det of forward is log|det ∂u/∂r|" in out
    assert "(by a constant) differ by 0.1 " in out
    assert "case:  d=1, k=1, n=200" in out
    assert "input: row " in out


RAISES = """
class Raises:
    def forward(self, r, channel, condition=None):
        return r[:, 5], r[:, 0]
    inverse = forward

def make(context):
    return Raises()
"""


def test_check_prints_law_input_and_smallest_case_once(site: Site) -> None:
    """With the component's own line; the same defect in a later check is not told again."""
    site.mapping("crosshook-raises", "raises", target="its_errors:make")
    (site.folder / "its_errors.py").write_text(RAISES)
    out, _ = site.run("plugins", "check", "raises", code=1)
    start = out.index("failed  shapes_and_types")
    told = [line.strip() for line in out[start : out.index("inputs_unchanged")].splitlines()]
    assert told[1].startswith("law:   Outputs have the shapes of the interface")
    assert told[2].startswith("found: raises IndexError")
    assert told[2].endswith("its_errors.py:4")
    assert told[3] == "smallest: d=1, k=1, n=0; r=[]; channel=[]"
    assert told[4] == "more:  crosshook plugins explain shapes_and_types"
    assert "found: the same as in shapes_and_types" in out


def test_a_check_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "plugins", "explain", "momentum_adds_up")
    assert out.startswith("momentum_adds_up (parton_density)\n\nLaw. ")
    assert "\n\nTo find it. " in out
    _, err = run(capsys, "plugins", "explain", "momentum_add_up", code=2)
    assert "did you mean momentum_adds_up?" in err
