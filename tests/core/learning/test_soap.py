"""The optimiser: Adam for vectors, and for matrices the same in every basis."""

from __future__ import annotations

import torch

from crosshook.core.learning.soap import DECAY, EVERY, SMALLEST, Soap

RATE = 0.01


def test_vectors_move_as_adam_moves_them() -> None:
    """After the first gradient, which SOAP looks at only."""
    rng = torch.Generator().manual_seed(1)
    ours = torch.randn(7, generator=rng, dtype=torch.float64)
    theirs = ours.clone().requires_grad_()
    adam = torch.optim.Adam([theirs], lr=RATE, betas=(DECAY, DECAY), eps=0)
    soap = Soap([ours])
    soap.step([torch.ones_like(ours)], RATE)
    for _ in range(30):
        gradient = torch.randn(7, generator=rng, dtype=torch.float64)
        soap.step([gradient], RATE)
        theirs.grad = gradient
        adam.step()
    # ε enters differently: relative SMALLEST/√v, over 30 steps of at most 0.01.
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=100 * SMALLEST)


def test_matrices_move_the_same_in_every_basis() -> None:
    """Gradients turned by orthogonal matrices on either side turn every step likewise."""
    rng = torch.Generator().manual_seed(2)
    gradients = torch.randn((3 * EVERY, 4, 4), generator=rng, dtype=torch.float64)
    left, right = (
        torch.linalg.qr(torch.randn((4, 4), generator=rng, dtype=torch.float64)).Q
        for _ in range(2)
    )
    plain, turned = (torch.zeros((4, 4), dtype=torch.float64) for _ in range(2))
    one, two = Soap([plain]), Soap([turned])
    for gradient in gradients:
        one.step([gradient], RATE)
        two.step([left @ gradient @ right], RATE)
    assert float(plain.abs().max()) > RATE
    torch.testing.assert_close(left @ plain @ right, turned, rtol=0, atol=1e-8)


def test_a_badly_scaled_matrix_is_found() -> None:
    """min |AXB - C|² with condition 100 on either side, from 0: in 400 steps to 10⁻³ of the start."""
    rng = torch.Generator().manual_seed(3)
    scale = torch.logspace(0, -2, 6, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn((6, 6), generator=rng, dtype=torch.float64)).Q
    a = turn * scale
    wanted = a @ torch.randn((6, 6), generator=rng, dtype=torch.float64) @ a.T
    x = torch.zeros((6, 6), dtype=torch.float64)
    soap = Soap([x])
    for step in range(400):
        residual = a @ x @ a.T - wanted
        soap.step([a.T @ residual @ a], 0.1 * (1 - step / 400))
    assert float((a @ x @ a.T - wanted).norm() / wanted.norm()) < 1e-3
