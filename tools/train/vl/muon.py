"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum, made orthogonal, for the matrices.

One idea: matrices of one shape are stacked and go through the five Newton-Schulz steps together.
"""

import collections

import torch


def orthogonal(g):
    """g [n, rows, cols] with singular values near 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16() if g.is_cuda else g
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


class Muon:
    """`weights`: matrices; those named in `split` are that many matrices one below another."""

    def __init__(self, weights, rate: float, decay: float = 0.02, momentum: float = 0.95):
        self.rate, self.decay, self.momentum = rate, decay, momentum
        self.stacks = collections.defaultdict(list)
        for weight, parts in weights:
            rows, cols = weight.shape[0] // parts, weight.shape[1]
            self.stacks[rows, cols].append((weight, parts))
        self.moment = {
            shape: torch.zeros(sum(parts for _, parts in group), *shape, device=group[0][0].device)
            for shape, group in self.stacks.items()
        }

    @torch.no_grad()
    def step(self):
        for shape, group in self.stacks.items():
            gradient = torch.cat([weight.grad.view(-1, *shape) for weight, _ in group])
            moment = self.moment[shape]
            moment.lerp_(gradient, 1 - self.momentum)
            update = orthogonal(gradient.lerp(moment, self.momentum)).float()
            update *= self.rate * 0.2 * max(shape)**0.5  # then a weight moves as far as under AdamW at this rate
            at = 0
            for weight, parts in group:
                weight.mul_(1 - self.rate * self.decay).sub_(update[at:at + parts].reshape(weight.shape))
                at += parts
