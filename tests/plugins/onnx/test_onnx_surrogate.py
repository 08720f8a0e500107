"""Models in ONNX files as surrogates: own ones and strangers', and those that are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core.cli import main
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError, InputError, NumericalError
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.export import TOLERANCE
from crosshook.core.surrogates.models import load_surrogate, save_surrogate, surrogate_context
from crosshook.core.testkit import Subject, checks_for
from crosshook.core.testkit.amplitude_surrogate import momenta
from crosshook.core.testkit.runner import BoundCheck

if TYPE_CHECKING:
    from collections.abc import Callable

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

STRANGER: dict[str, Any] = {
    "inputs": {"momenta": "p", "process": None, "alpha_s": None},
    "outputs": {"amplitude": "me2", "sign": None, "log_std": None},
    "meaning": "value",
    "subprocesses": [{"alpha_s_power": 2, "pdg": [21, 21, 21, 21]}],
}
"""What is to be said of |M|² = α_s² ŝ."""
CHECKS = {check.name: check for check in checks_for("amplitude_surrogate")}
EXAMPLES = Path(__file__).parents[3] / "examples"
N, LEGS, ENERGY = 11, 4, 1000.0


def build(file: Path, m: int = LEGS, /, **options: object) -> Any:
    """The component as a run builds it."""
    slot = {"use": "onnx", "options": {"file": str(file), **STRANGER, **options}}
    return default_registry().build("amplitude_surrogate", slot, surrogate_context(m))


def points(n: int = N, legs: int = LEGS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Momenta at 1 TeV, subprocess 0, couplings."""
    rng = torch_generator(20261122, "tests/onnx")
    p = momenta(n, legs, rng)
    return p, torch.zeros(n, dtype=torch.int64), 0.1 + 0.02 * torch.rand(n, generator=rng).double()


@pytest.mark.parametrize("name", CHECKS)
def test_conformance(name: str, model: Callable[..., Path]) -> None:
    registry = default_registry()
    options = {"file": str(model()), **STRANGER, "subprocesses": [{"alpha_s_power": 2}]}
    registered = registry.get("amplitude_surrogate", "onnx")
    BoundCheck(CHECKS[name], Subject(registered, registry, options, tolerance=1e-8))()


@pytest.mark.parametrize("single", [False, True])
def test_a_strangers_model(single: bool, model: Callable[..., Path]) -> None:
    """|M|² = ŝ with α_s = 0.1 in it, for α_s²: as computed here, to the rounding of its numbers."""
    p, process, alpha_s = points()
    found = build(model(single=single), alpha_s=0.1).predict(p, process, alpha_s)
    wanted = 2 * math.log(ENERGY) + 2 * (alpha_s / 0.1).log()
    torch.testing.assert_close(found.log_abs, wanted, rtol=0, atol=1e-6 if single else 1e-12)
    assert found.sign.eq(1.0).all()
    assert found.log_std is None


@pytest.mark.parametrize(("meaning", "factor"), [("log", 1.0), ("log10", math.log(10.0))])
def test_logarithms(meaning: str, factor: float, model: Callable[..., Path]) -> None:
    p, process, alpha_s = points()
    one = torch.ones_like(alpha_s)
    found = build(model(), meaning=meaning).predict(p, process, one)
    torch.testing.assert_close(found.log_abs, factor * ENERGY**2 * one)


def test_chosen_legs_and_negative_values(model: Callable[..., Path]) -> None:
    """(p_4 + p_2)² instead of ŝ; without energies it is negative."""
    p, process, alpha_s = points(legs=5)
    p[:, 2:, 0] = 0.0
    found = build(model(), 5, legs=[4, 2], subprocesses=[{"alpha_s_power": 0}]).predict(
        p, process, alpha_s
    )
    wanted = (p[:, 4] + p[:, 2]).square().sum(dim=1)
    assert found.sign.eq(-1.0).all()
    torch.testing.assert_close(found.log_abs, wanted.log())


def test_a_flat_row_of_momenta(model: Callable[..., Path]) -> None:
    """Momenta as (n, 4m), a column of couplings and numbers of subprocesses of its own."""

    def change(made: Any) -> None:
        text = """<ir_version: 8, opset_import: ["" : 17]>
        flat (double[N, 16] p, int64[N, 1] id, float[N, 1] a) => (double[N, 1] me2) {
          number = Cast<to = 11>(id)
          coupling = Cast<to = 11>(a)
          both = Mul(number, coupling)
          zero = Constant<value_ints = [0]>()
          first = Gather<axis = 1>(p, zero)
          me2 = Mul(both, first)
        }"""
        made.CopyFrom(onnx.parser.parse_model(text))

    p, _, alpha_s = points()
    process = torch.arange(N) % 2
    surrogate = build(
        model(change=change),
        inputs={"momenta": "p", "process": "id", "alpha_s": "a"},
        subprocesses=[{"id": 7}, {"id": 3}],
    )
    found = surrogate.predict(p, process, alpha_s)
    wanted = torch.where(process == 0, 7.0, 3.0) * alpha_s.float() * ENERGY / 2
    torch.testing.assert_close(found.log_abs, wanted.double().log())
    with pytest.raises(InputError, match="subprocess 2, counted from 0, of 2 declared"):
        surrogate.predict(p, process + 1, alpha_s)


def test_a_saved_model_needs_no_file(model: Callable[..., Path], tmp_path: Path) -> None:
    path = model()
    registry = default_registry()
    slot = Slot("onnx", {"file": str(path), **STRANGER})
    slot = Slot("onnx", registry.options("amplitude_surrogate", slot))
    context = surrogate_context(LEGS)
    surrogate: Any = registry.build("amplitude_surrogate", slot, context)
    save_surrogate(surrogate, tmp_path / "model", slot, context)
    path.unlink()
    again = load_surrogate(tmp_path / "model")
    assert torch.equal(again.predict(*points()).log_abs, surrogate.predict(*points()).log_abs)


def _foreign_operator(made: Any) -> None:
    made.graph.node[-1].domain = "com.stranger"


def _foreign_operator_inside(made: Any) -> None:
    inside = onnx.helper.make_graph(
        [onnx.helper.make_node("Run", [], ["y"], domain="com.stranger")], "inside", [], []
    )
    made.graph.node.append(onnx.helper.make_node("If", ["a"], ["z"], then_branch=inside))


def _other_file(made: Any) -> None:
    tensor = made.graph.initializer.add(name="weights", data_type=1, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secrets")


def _empty(made: Any) -> None:
    made.Clear()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_foreign_operator, r"operator com.stranger.ReduceSum is none of the ONNX standard"),
        (_foreign_operator_inside, r"operator com.stranger.Run is none of the ONNX standard"),
        (_other_file, r"tensor 'weights' lies in another file; save the model as one file"),
        (_empty, r"model.onnx: no ONNX file"),
    ],
)
def test_what_is_refused(
    change: Callable[[Any], None], words: str, model: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=words):
        build(model(change=change))


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ({}, {"inputs": {"momenta": "x"}}, r"no input 'x' for momenta; it has 'p' \(tensor"),
        ({}, {"outputs": {"amplitude": "y"}}, r"no output 'y' for amplitude; it has 'me2'"),
        (
            {"legs": "5"},
            {},
            r"'p' .*\(N, 5, 4\)\) for momenta: its shape should be \(n, 4, 4\) or",
        ),
        ({"n": "16"}, {}, r"\(16, M, 4\)\) for momenta: .* with n free"),
        ({}, {"legs": [0, 4]}, r"there is no leg 4 of 4"),
        ({}, {"subprocesses": [{"alpha_s_power": 2, "pdg": [1, 2, 3]}]}, r"pdg \[1, 2, 3\] for 4"),
        ({}, {"subprocesses": []}, r"takes no alpha_s: say alpha_s_power"),
        ({}, {"subprocesses": [{"alpha_s_power": 2, "id": 1}]}, r"id of options.subprocesses has"),
        ({}, {"subprocesses": [{"alpha_s_power": 2}, {}]}, r"1 of 2 have alpha_s_power"),
        ({}, {"file": "nowhere.onnx"}, r"nowhere.onnx: No such file or directory"),
    ],
)
def test_what_does_not_fit(
    shape: dict[str, str], options: dict[str, Any], words: str, model: Callable[..., Path]
) -> None:
    path = model(**shape)
    chosen = {**STRANGER, **options}
    for key in ("inputs", "outputs"):
        chosen[key] = {**STRANGER[key], **chosen[key]}
    with pytest.raises((ConfigurationError, InputError), match=words):
        build(path, **chosen)


def test_couplings_are_said_once(model: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"takes alpha_s: .* have no effect"):
        build(model(), inputs={"momenta": "p", "process": None, "alpha_s": "a"}, alpha_s=0.1)


def test_inputs_that_get_nothing(model: Callable[..., Path]) -> None:
    def change(made: Any) -> None:
        made.graph.input.append(onnx.helper.make_tensor_value_info("mass", 11, ["N"]))

    with pytest.raises(
        InputError, match=r"nothing goes to input 'mass' \(tensor\(double\) \(N\)\)"
    ):
        build(model(change=change))


def test_outputs_must_be_a_number_a_point(model: Callable[..., Path]) -> None:
    def change(made: Any) -> None:
        made.graph.output[0].name = "total"
        del made.graph.output[0].type.tensor_type.shape.dim[:]

    surrogate = build(
        model(change=change), outputs={"amplitude": "total", "sign": None, "log_std": None}
    )
    with pytest.raises(NumericalError, match=r"output 'total' for amplitude is float64 of shape"):
        surrogate.predict(*points())


def test_a_file_that_is_no_protobuf(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(InputError, match="no ONNX file"):
        build(path)


def test_own_export_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained, exported, judged out of the file as the example has it, and used in a run."""
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    monkeypatch.chdir(tmp_path)
    words = ["--set", "points.draw=2000", "--set", "sampling.evaluations=0", "--quiet"]
    example = EXAMPLES / "surrogates" / "gg-3g.yaml"
    main(["surrogate", "train", str(example), *words, "--set", "surrogate.options.epochs=5"])
    main(["surrogate", "export", "runs/surrogate-gg-3g", "runs/gg-3g.onnx"])
    main(["surrogate", "train", str(EXAMPLES / "surrogates" / "gg-3g-onnx.yaml"), *words])
    own = load_surrogate(tmp_path / "runs" / "surrogate-gg-3g" / "model")
    read = load_surrogate(tmp_path / "runs" / "surrogate-gg-3g-onnx" / "model")
    columns = points(legs=5)
    wanted, found = own.predict(*columns), read.predict(*columns)
    assert wanted.log_std is not None
    assert found.log_std is not None
    torch.testing.assert_close(found.log_abs, wanted.log_abs, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(found.log_std, wanted.log_std, rtol=0, atol=TOLERANCE)
    report = json.loads((tmp_path / "runs" / "surrogate-gg-3g-onnx" / "report.json").read_text())
    assert (report["points"], report["evaluation"]["n"]) == (0, 2000)
    assert report["notes"][0] == "onnx does not learn: all points judge it"
    surrogate = "{use: onnx, options: {file: runs/gg-3g.onnx}}"
    settings = (
        "sampling.evaluations=0",
        "integrate.evaluations=2000",
        f"generate={{events: 50, pilot: 2000, surrogate: {surrogate}, unweighter: two-stage}}",
        "output={report: none, formats: [lhe], directory: run}",
        "block_size=1000",
    )
    flags = [word for setting in settings for word in ("--set", setting)]
    main(["run", str(EXAMPLES / "gg-3g.yaml"), "--quiet", *flags])
    kept = load_surrogate(tmp_path / "run" / "models" / "amplitude_surrogate")
    assert torch.equal(kept.predict(*columns).log_abs, found.log_abs)
