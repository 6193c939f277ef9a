"""Checks on a GPU that attention over pieces (network.attend) is what the masked form is, forwards and backwards.

    python3 -m vl.check_gpu      (from tools/train)
"""

import torch

from vl import network


def main() -> None:
    torch.manual_seed(1)
    for heads, groups, causal in ((5, 5, False), (4, 2, True)):
        sizes = [64, 1, 36, 0, 200, 0, 3, 0, 0]
        ends = torch.tensor([0, *sizes]).cumsum(0).int()
        shapes = [(sum(sizes), count, 64) for count in (heads, groups, groups)]
        results = []
        inputs = [torch.randn(shape).bfloat16() for shape in shapes]
        for device in ("cpu", "cuda"):
            q, k, v = (x.to(device).float().requires_grad_() for x in inputs)
            out = network.attend(q, k, v, ends.to(device), 256, causal)
            (out.float() * torch.arange(64, device=device)).sum().backward()
            results.append([x.float().cpu() for x in (out, q.grad, k.grad, v.grad)])
        for name, a, b in zip(("out", "dq", "dk", "dv"), *results):
            print(f"{heads} heads, {groups} groups, {name}: {(a - b).norm() / a.norm():.2e}")


if __name__ == "__main__":
    main()
