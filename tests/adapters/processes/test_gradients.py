"""|M|² is differentiable in momenta, coupling and model parameters, on the inputs' device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from typing import Any

    from crosshook.core.interfaces.process import Process


def test_gradient_in_momenta_and_coupling(process: Process, sample: Any) -> None:
    momenta = sample(process, 6).momenta
    element = process.matrix_element()
    # in units of the process's own scale, so that one step fits all components
    scale = float(momenta[:, 2:, 0].min())
    alpha_s = torch.full((6,), 0.118, dtype=torch.float64, requires_grad=True)
    scaled = (momenta / scale).requires_grad_(True)
    for index in {each.amplitude: i for i, each in enumerate(element.subprocesses)}.values():
        norm = float(element.squared(momenta, index, alpha_s).value.detach().abs().max())

        def value(p: torch.Tensor, a: torch.Tensor, i: int = index, n: float = norm) -> Any:
            return element.squared(p * scale, i, a).value / n

        assert torch.autograd.gradcheck(value, (scaled, alpha_s), eps=1e-7, atol=1e-4, rtol=1e-4)


def test_gradient_in_parameters(process: Process, sample: Any) -> None:
    momenta = sample(process, 6).momenta
    element = process.matrix_element()
    alpha_s = torch.full((6,), 0.118, dtype=torch.float64)
    central = torch.tensor(list(element.parameters.values()), dtype=torch.float64)
    relative = torch.ones(6, len(central), dtype=torch.float64, requires_grad=True)
    for index in {each.amplitude: i for i, each in enumerate(element.subprocesses)}.values():
        plain = element.squared(momenta, index, alpha_s).value

        def value(r: torch.Tensor, i: int = index, norm: torch.Tensor = plain) -> torch.Tensor:
            return element.squared(momenta, i, alpha_s, theta=r * central).value / norm

        assert torch.allclose(value(relative), torch.ones(6, dtype=torch.float64), rtol=1e-13)
        assert torch.autograd.gradcheck(value, (relative,), eps=1e-6, atol=1e-5)


def test_parameters_of_the_wrong_shape_are_refused(process: Process, sample: Any) -> None:
    momenta = sample(process, 3).momenta
    alpha_s = torch.full((3,), 0.118, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"theta has shape \(3, 9\); needed are"):
        process.matrix_element().squared(momenta, 0, alpha_s, theta=momenta.new_zeros(3, 9))


def test_devices_are_explicit(process: Process, sample: Any) -> None:
    momenta = sample(process, 8).momenta
    element = process.matrix_element()
    alpha_s = torch.full((8,), 0.118, dtype=torch.float64)
    torch.set_default_device("meta")
    try:
        for index in range(len(element.subprocesses)):
            result = element.squared(momenta, index, alpha_s, want=("colour",))
            assert result.value.device.type == "cpu"
            assert result.colour is not None
            assert result.colour.device.type == "cpu"
    finally:
        torch.set_default_device(None)
