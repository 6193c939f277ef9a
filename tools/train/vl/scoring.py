"""Scores the network on held-out samples: greedy, exact, by task.

One idea: greedy decoding gives exactly the expected answer if and only if, with that answer fed in, every one of its
tokens is the most likely next one. So one forward pass scores a batch, with no decoding loop.
"""

import collections
import copy
import random

import torch

from vl import batches, pictures


def held_out(shape, encoder, count: int, seed: int = 20241):
    """(arrays, turns) of `count` batches."""
    stream = batches.batches(shape, encoder, random.Random(seed), pictures.held_out_sample, varied=False)
    return [next(stream) for _ in range(count)]


def rounded(network):
    """A copy whose matrices went through Q8_0: blocks of 32 weights, one half-float scale each."""
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for weight in twin.parameters():
            if weight.dim() == 2:
                blocks = weight.view(-1, 32)
                scale = (blocks.abs().amax(1, keepdim=True) / 127).half().float()
                blocks.copy_(
                    torch.where(scale > 0,
                                torch.round(blocks / scale.clamp_min(1e-12)).clamp(-127, 127) * scale, 0))
    return twin


@torch.no_grad()
def score(network, device, test, run=None) -> dict:
    """Shares of exact answers by task. `run`: the network's compiled form."""
    right, asked = collections.Counter(), collections.Counter()
    for arrays, turns in test:
        batch = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            best = (network if run is None else run)(batch).argmax(-1)
        wrong = set(batch["label_turns"][(best != batch["labels"]) & (batch["labels"] >= 0)].tolist())
        for number, (task, _) in enumerate(turns):
            asked[task] += 1
            right[task] += number not in wrong
    total = sum(right.values()) / max(1, sum(asked.values()))
    return {
        "exact": round(total, 4), "asked": sum(asked.values()),
        "tasks": {task: f"{right[task] / asked[task]:.0%} of {asked[task]}" for task in sorted(asked)}
    }
