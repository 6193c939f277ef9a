#!/usr/bin/env python3
"""Makes the tiny random models of models.py and what transformers computes with them, in float32 on the CPU.

    python3 tools/reference/make_goldens.py tests/goldens [NAME...]

Needs transformers, torch, safetensors and gguf. A model is written as published models are, read back by
transformers from those files, and only then run, so the goldens belong to the files and not to what was in memory.
Every property that makes a golden worth having is asserted here: each tensor changes the logits, the greedy
text is varied and has no near-ties, both config dialects agree, and float64 says the same.
"""
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

import write_gguf
from models import CONTINUATION, MODELS, PROMPT_LENGTHS, kept_positions, other_dialect

TOLERANCE = 2e-3           # of the logits' standard deviation: what check_goldens.py allows an engine
MIN_GAP = 5 * TOLERANCE    # between the two best logits at every greedy step, same unit
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def random_weights(config, exact, seed):
    """Weights that make every tensor count: biases and norms are random, attention is far from uniform."""
    generator = torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    state = {}
    for name, p in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith("norm.weight"):
            w = 1 + 0.2 * noise
        elif name.endswith(".bias"):
            w = 0.5 * noise
        elif "embed_tokens" in name:
            w = 0.3 * noise
        else:
            gain = 1.6 if re.search(r"\.(q|k)_proj\.", name) else 1.2
            w = gain * p.shape[-1] ** -0.5 * noise
        if exact:   # below 2^-17 F16 has fewer bits than BF16
            w = torch.where(w.abs() < 2.0 ** -17, torch.zeros(()), w.bfloat16().float())
            assert torch.equal(w, w.half().float())
        state[name] = w
    return state


def save_weights(folder, state, dtype, shards):
    state = {name: w.to(dtype).contiguous() for name, w in state.items()}
    if shards == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = [f"model-{i + 1:05d}-of-{shards:05d}.safetensors" for i in range(shards)]
    # Dealt out in turn, so the tensors of a layer lie in different files.
    home = {tensor: names[i % shards] for i, tensor in enumerate(sorted(state))}
    for name in names:
        save_file({t: state[t] for t in state if home[t] == name}, folder / name, metadata={"format": "pt"})
    size = sum(w.numel() * w.element_size() for w in state.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": home})


def write_json(path, value, indent=2):
    path.write_text(json.dumps(value, indent=indent) + "\n")


def load(folder, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


def logits_of(model, ids):
    return model(torch.tensor([ids])).logits[0]


def hidden_of(model, ids):
    """[L + 2, T, E]: after the embedding, after each layer, after the final norm."""
    after = []
    hooks = [layer.register_forward_hook(
        lambda _, __, out: after.append((out if torch.is_tensor(out) else out[0]).reshape(len(ids), -1)))
        for layer in model.model.layers]
    final = model.model(torch.tensor([ids])).last_hidden_state[0]
    for hook in hooks:
        hook.remove()
    return torch.stack([model.get_input_embeddings()(torch.tensor(ids)), *after, final])


def greedy(model, ids, count):
    """Plain argmax with a cache. model.generate() would apply the repetition penalty of generation_config.json."""
    step = model(torch.tensor([ids]), use_cache=True)
    out = []
    while True:
        out.append(int(step.logits[0, -1].argmax()))
        if len(out) == count:
            return out
        step = model(torch.tensor([[out[-1]]]), past_key_values=step.past_key_values, use_cache=True)


def well_separated(model, prompt, continuation):
    logits = logits_of(model, prompt + continuation)
    best = logits[len(prompt) - 1:-1].topk(2)
    gap = (best.values[:, 0] - best.values[:, 1]).min() / logits.std()
    return best.indices[:, 0].tolist() == continuation and gap > MIN_GAP and len(set(continuation)) >= 12


def pick_prompt(model, length, vocab, seed):
    """Random ids whose greedy continuation has no near-ties and does not circle among a few tokens."""
    for attempt in range(1000):
        ids = np.random.default_rng([seed, length, attempt]).integers(0, vocab, length).tolist()
        continuation = greedy(model, ids, CONTINUATION)
        if well_separated(model, ids, continuation):
            return ids, continuation
    sys.exit(f"no good prompt of {length} tokens: change the seed or the gains")


def relative_error(got, want):
    return ((got - want).abs().max() / want.std()).item()


def assert_every_tensor_matters(model, ids):
    want = logits_of(model, ids)
    for name, p in model.named_parameters():
        kept = p.data.clone()
        p.data = torch.ones_like(kept) if name.endswith("norm.weight") else kept * 0.9
        change = relative_error(logits_of(model, ids), want)
        p.data = kept
        assert change > 2 * TOLERANCE, f"{name} hardly matters: {change}"


def assert_dialects_agree(folder, config, model, ids):
    with tempfile.TemporaryDirectory() as other:
        write_json(pathlib.Path(other) / "config.json", other_dialect(config))
        twin = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(other), dtype=torch.float32,
                                                attn_implementation="eager").eval()
    twin.load_state_dict(model.state_dict())
    assert torch.equal(logits_of(twin, ids), logits_of(model, ids)), f"{folder}: the config dialects differ"


def assert_variants_show(folder, config, model, ids):
    """Reading a rope or epsilon setting wrongly must not go unnoticed."""
    want = logits_of(model, ids)
    wrong = {"rope_theta": dict(config, rope_theta=9000.0)} if "rope_theta" in config else {}
    if config["rms_norm_eps"] > 1e-4:
        wrong["rms_norm_eps"] = dict(config, rms_norm_eps=1e-6)
    if config.get("rope_scaling"):
        scaling = config["rope_scaling"]
        wrong["no yarn"] = dict(config, rope_scaling=None)
        wrong["no attention factor"] = dict(config, rope_scaling=dict(scaling, attention_factor=1.0))
        wrong["linear"] = dict(config, rope_scaling=dict(type="linear", factor=scaling["factor"]))
        wrong["original context"] = dict(config, rope_scaling=dict(
            scaling, original_max_position_embeddings=config["max_position_embeddings"]))
    for what, changed in wrong.items():
        with tempfile.TemporaryDirectory() as other:
            write_json(pathlib.Path(other) / "config.json", changed)
            twin = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(other), dtype=torch.float32,
                                                    attn_implementation="eager").eval()
        twin.load_state_dict(model.state_dict())
        change = relative_error(logits_of(twin, ids), want)
        assert change > 5 * TOLERANCE, f"{folder}: {what} hardly matters: {change}"


def make(root, row, seed):
    folder = root / row["name"]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    config = dict(row["config"])
    write_json(folder / "config.json", config)
    state = random_weights(AutoConfig.from_pretrained(folder), row["dtype"] != "F32", seed)
    save_weights(folder, state, DTYPES[row["dtype"]], row.get("shards", 1))

    model = load(folder)
    runs = [pick_prompt(model, n, config["vocab_size"], seed) for n in PROMPT_LENGTHS]
    prompts, continuations = [r[0] for r in runs], [r[1] for r in runs]

    # The end-of-text token is one that greedy text does contain: an engine that stops at it or bans it is caught.
    eos = next(t for t in continuations[0][4:] if any(t in c for c in continuations[1:]))
    config["eos_token_id"] = eos
    config["bos_token_id"] = config["vocab_size"] - 3
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json",
               {"bos_token_id": config["vocab_size"] - 3, "eos_token_id": [eos, config["vocab_size"] - 1],
                "pad_token_id": config["vocab_size"] - 3, **row["generation"]})

    long = prompts[PROMPT_LENGTHS.index(max(PROMPT_LENGTHS))]
    assert_dialects_agree(folder, config, model, long)
    assert_variants_show(folder, config, model, long)
    assert_every_tensor_matters(model, prompts[PROMPT_LENGTHS.index(17)])

    exact = load(folder, torch.float64)
    noise, positions = 0.0, [kept_positions(len(p)) for p in prompts]
    for i, (ids, kept) in enumerate(zip(prompts, positions)):
        logits = logits_of(model, ids)
        noise = max(noise, relative_error(logits.double(), logits_of(exact, ids)))
        np.save(folder / f"logits-{i}.npy", logits[kept].numpy())
    assert noise < TOLERANCE / 20, f"{folder}: float32 itself is off by {noise}"
    np.save(folder / "hidden-0.npy", hidden_of(model, prompts[0]).numpy())
    golden = {"vocab": config["vocab_size"], "prompts": prompts, "continuations": continuations,
              "positions": positions}
    rows = [f'"{key}": ' + (json.dumps(v) if key == "vocab" else
                            "[\n" + ",\n".join("  " + json.dumps(x) for x in v) + "\n]")
            for key, v in golden.items()]
    (folder / "golden.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
    for kind in row["gguf"]:
        write_gguf.write(root / f"{row['name']}.{kind}.gguf", kind, AutoConfig.from_pretrained(folder), state)
    parameters = sum(w.numel() for w in state.values())
    print(f"{row['name']}: {parameters} parameters, float32 within {noise:.1e} of float64, end of text {eos}")


def main():
    root, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    torch.set_num_threads(1)
    with torch.no_grad():
        for seed, row in enumerate(MODELS):
            if not wanted or row["name"] in wanted:
                make(root, row, seed + 1)


if __name__ == "__main__":
    main()
