#!/usr/bin/env python3
"""What transformers computes with slices of the tiny Gemma 3n: a smaller model is cut out of the golden's weights, the
way MatFormer's authors do it, and run. Layers are left out and MLPs keep their first rows and columns.

    python3 tools/reference/make_slice_goldens.py tests/goldens/gemma3n tests/goldens/gemma3n-slices

Writes slices.json (the slices, prompt, kept positions, greedy continuations) and slices.npy, float32
[slices, kept positions, vocab]. Needs transformers, torch and safetensors.
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file

from make_goldens import greedy, load, logits_of, save_weights, write_json

LAYERS = "model.layers."
PER_LAYER = "model.embed_tokens_per_layer.weight"
PROJECTION = "model.per_layer_model_projection.weight"

# Layer 3 lends its keys to windows, 2 to full attention: neither may go. Widths by layer or by layer that is left.
SLICES = [
    {"skip": [4, 5]},
    {"skip": [], "ffn": 60},
    {"skip": [1, 4], "ffn": [40, 88, 32, 50, 8]},
    {"skip": [0, 6], "ffn": [72, 44, 50, 30, 76, 52, 92]},
]
POSITIONS = [0, 1, 30, 60, 99]     # of the prompt; from 24 on windows do not see its beginning
CONTINUATION = 12


def widths_of(cut, stored):
    ffn = cut.get("ffn", stored)
    if isinstance(ffn, int):
        return [ffn] * len(stored)
    if len(ffn) == len(stored):
        return ffn
    left = iter(ffn)
    return [0 if i in cut["skip"] else next(left) for i in range(len(stored))]


def sliced_config(config, kept, widths):
    first_borrower = config["num_hidden_layers"] - config["num_kv_shared_layers"]
    return {**config, "num_hidden_layers": len(kept),
            "num_kv_shared_layers": sum(i >= first_borrower for i in kept),
            "intermediate_size": [widths[i] for i in kept],
            "layer_types": [config["layer_types"][i] for i in kept],
            "activation_sparsity_pattern": [config["activation_sparsity_pattern"][i] for i in kept]}


def sliced_weights(state, layers, kept, widths):
    out = {}
    for name, w in state.items():
        if name == PROJECTION:
            w = w.reshape(layers, -1, w.shape[-1])[kept].reshape(-1, w.shape[-1])
        elif name == PER_LAYER:
            w = w.reshape(w.shape[0], layers, -1)[:, kept].reshape(w.shape[0], -1)
        elif name.startswith(LAYERS):
            number, rest = name[len(LAYERS):].split(".", 1)
            layer = int(number)
            if layer not in kept:
                continue
            if rest in ("mlp.gate_proj.weight", "mlp.up_proj.weight"):
                w = w[:widths[layer]]
            elif rest == "mlp.down_proj.weight":
                w = w[:, :widths[layer]]
            name = f"{LAYERS}{kept.index(layer)}.{rest}"
        out[name] = w
    return out


def run(cut, config, state, prompt):
    layers = config["num_hidden_layers"]
    kept = [i for i in range(layers) if i not in cut["skip"]]
    widths = widths_of(cut, config["intermediate_size"])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_json(folder / "config.json", sliced_config(config, kept, widths))
        save_weights(folder, sliced_weights(state, layers, kept, widths), torch.float32, 1)
        model = load(folder)
        with torch.no_grad():
            return logits_of(model, prompt)[POSITIONS].numpy(), greedy(model, prompt, CONTINUATION)


def main():
    folder = pathlib.Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    state = load_file(folder / "model.safetensors")
    state = {name: w.float() for name, w in state.items()}
    prompt = next(p for p in json.loads((folder / "golden.json").read_text())["prompts"] if len(p) > max(POSITIONS))
    results = [run(cut, config, state, prompt) for cut in SLICES]
    logits = np.stack([r[0] for r in results]).astype(np.float32)
    for a in range(len(SLICES)):       # no slice may pass for another
        for b in range(a):
            assert np.abs(logits[a] - logits[b]).max() > 0.1 * logits.std()
    target = pathlib.Path(sys.argv[2])
    target.mkdir(exist_ok=True)
    np.save(target / "slices.npy", logits)
    write_json(target / "slices.json", {"slices": SLICES, "prompt": prompt, "positions": POSITIONS,
                                        "continuations": [r[1] for r in results]}, indent=None)


main()
