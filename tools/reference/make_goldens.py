#!/usr/bin/env python3
"""Makes the tiny random models of models.py and what transformers computes with them, in float32 on the CPU.

    python3 tools/reference/make_goldens.py tests/goldens [NAME...]

Needs transformers, torch, torchvision, Pillow, safetensors and gguf. A model is written as published models are, read
back by transformers from those files, and only then run, so the goldens belong to the files and not to what was in
memory. Every property that makes a golden worth having is asserted here: each tensor changes the logits, a setting
that is read wrongly shows, the greedy text is varied and has no near-ties, both config dialects agree, and float64
says the same. Attention is the plain ("eager") one: the fused one leaves out Gemma 2's score cap.
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.utils import logging

import images
import write_gguf
import write_mmproj
from models import (CONTINUATION, MODELS, PICTURE_PROMPTS, PROMPT_LENGTHS, PROOFS, kept_positions, other_dialect,
                    text_config)
from vision import Pictures
from weights import is_norm, neutral_norm, random_weights
from wrong_settings import wrong_settings

TOLERANCE = 2e-3           # of the logits' standard deviation: what check_goldens.py allows an engine
MIN_GAP = 5 * TOLERANCE    # between the two best logits at every greedy step, same unit
MIN_ROUTE = 1e-3           # between the last expert taken and the first one left, in router logits; an f16 cache moves these
PLAIN = {"attn_implementation": "eager", "experts_implementation": "eager"}
FEATURES = "clear.png"      # the picture whose tower output is kept
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


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


def model_class(config):
    return AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM


def from_config(config):
    """A model of this config.json, read from a file as any other."""
    with tempfile.TemporaryDirectory() as folder:
        write_json(pathlib.Path(folder) / "config.json", config)
        read = AutoConfig.from_pretrained(folder)
    return prepared(model_class(read).from_config(read, dtype=torch.float32, **PLAIN))


def twin_of(model, config, strict=True):
    """The same weights under another config."""
    twin = from_config(config)
    twin.load_state_dict(model.state_dict(), strict=strict)
    twin.pictures = model.pictures
    return twin


def load(folder, dtype=torch.float32):
    config = AutoConfig.from_pretrained(folder)
    model, notes = model_class(config).from_pretrained(folder, dtype=dtype, output_loading_info=True, **PLAIN)
    assert not notes["missing_keys"] and not notes["unexpected_keys"], f"{folder}: {notes}"
    model = prepared(model)
    model.pictures = Pictures(folder, config) if hasattr(config, "vision_config") else None
    return model


def prepared(model):
    """Ids beyond Gemma 3n's table of per-layer inputs take row 0: transformers does so in its multimodal class only."""
    table = getattr(model.model, "embed_tokens_per_layer", None)
    if table is not None:
        table.register_forward_pre_hook(
            lambda module, args: (torch.where(args[0] < module.num_embeddings, args[0], 0),))
    return model.eval()


def run(model, ids, pictures=(), **options):
    """A forward pass over a prompt, and the position of the next token."""
    if model.pictures:
        inputs, position = model.pictures.inputs(model, ids, pictures)
    else:
        inputs, position = {"input_ids": torch.tensor([ids])}, len(ids)
    return model(**{**inputs, **options}), position


def logits_of(model, ids, pictures=(), **options):
    return run(model, ids, pictures, **options)[0].logits[0]


def hidden_of(model, ids):
    """[L + 2, T, E]: after the embedding, after each layer, after the final norm. Of Gemma 3n's streams the first."""
    kept = []

    def keep(value):
        value = value if torch.is_tensor(value) else value[0]
        kept.append((value[0] if value.dim() == 4 else value).reshape(len(ids), -1))

    text = getattr(model.model, "language_model", model.model)
    hooks = [text.layers[0].register_forward_pre_hook(lambda _, args: keep(args[0]))]
    hooks += [module.register_forward_hook(lambda _, __, out: keep(out)) for module in [*text.layers, text.norm]]
    run(model, ids)
    for hook in hooks:
        hook.remove()
    return torch.stack(kept)


def greedy(model, ids, count, pictures=()):
    """Plain argmax with a cache. model.generate() would apply the repetition penalty of generation_config.json."""
    step, position = run(model, ids, pictures, use_cache=True)
    out = []
    while True:
        out.append(int(step.logits[0, -1].argmax()))
        if len(out) == count:
            return out
        past = step.past_key_values
        inputs = (model.pictures.step(out[-1], position, past) if model.pictures else
                  {"input_ids": torch.tensor([[out[-1]]]), "past_key_values": past})
        step, position = model(**inputs, use_cache=True), position + 1


def well_separated(model, prompt, continuation, pictures):
    with closest_route(model) as route:
        logits = logits_of(model, prompt + continuation, pictures)
    best = logits[-len(continuation) - 1:-1].topk(2)
    gap = (best.values[:, 0] - best.values[:, 1]).min() / logits.std()
    return (best.indices[:, 0].tolist() == continuation and gap > MIN_GAP and len(set(continuation)) >= 12
            and route.gap > MIN_ROUTE)


class closest_route:
    """Watches the routers of a mixture of experts: a near-tie there is as bad as one between tokens."""

    def __init__(self, model):
        self.gap, self.hooks = float("inf"), []
        for name, module in model.named_modules():
            if name.endswith(".mlp.gate"):
                self.hooks.append(module.register_forward_pre_hook(self.look))

    def look(self, router, args):
        taken = router.top_k
        best = torch.nn.functional.linear(args[0], router.weight).topk(taken + 1).values
        self.gap = min(self.gap, (best[..., taken - 1] - best[..., taken]).min().item())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


def pick_prompt(model, length, vocab, seed):
    """Random ids whose greedy continuation has no near-ties and does not circle among a few tokens."""
    for attempt in range(2000):
        ids = np.random.default_rng([seed, length, attempt]).integers(0, vocab, length).tolist()
        continuation = greedy(model, ids, CONTINUATION)
        if well_separated(model, ids, continuation, ()):
            return ids, (), continuation
    sys.exit(f"no good prompt of {length} tokens: change the seed or the gains")


def pick_picture_prompt(model, parts, marks, seed):
    """As above, of `parts`: numbers of random ids, and pictures. The marks are the ids around one: start, end, it."""
    first, last, placeholder = marks
    pictures = [part for part in parts if isinstance(part, str)]
    for attempt in range(2000):
        random, ids = np.random.default_rng([seed, *map(len, map(str, parts)), attempt]), []
        for part in parts:
            ids += ([first, placeholder, last] if isinstance(part, str) else
                    random.integers(0, min(marks), part).tolist())
        continuation = greedy(model, ids, CONTINUATION, pictures)
        if max(continuation) < min(marks) and well_separated(model, ids, continuation, pictures):
            return ids, pictures, continuation
    sys.exit(f"no good prompt of {parts}: change the seed or the gains")


def pick_prompts(model, row, seed):
    config = row["config"]
    if not model.pictures:
        return [pick_prompt(model, n, config["vocab_size"], seed) for n in row.get("lengths", PROMPT_LENGTHS)]
    keys = [("vision_start_token_id", "vision_end_token_id", "image_token_id"),
            ("boi_token_index", "eoi_token_index", "image_token_index")]
    marks = next([config[k] for k in trio] for trio in keys if trio[0] in config)
    return [pick_picture_prompt(model, parts, marks, seed) for parts in PICTURE_PROMPTS]


def relative_error(got, want):
    return ((got - want).abs().max() / want.std()).item()


def assert_every_tensor_matters(model, ids, pictures):
    """Norms are neutralised; others shrink along their last axis, since a norm after them may undo an even scale."""
    want = logits_of(model, ids, pictures)
    for name, p in model.named_parameters():
        if "vision_tower" in name and name.endswith("k_proj.bias"):
            continue      # without rotary positions it adds the same to every score of a query
        kept = p.data.clone()
        if is_norm(name):
            p.data = torch.full_like(kept, neutral_norm(name, model.config.model_type))
        else:
            p.data = kept * torch.linspace(0.8, 1.0, kept.numel()).reshape(kept.shape)
        change = relative_error(logits_of(model, ids, pictures), want)
        p.data = kept
        assert change > 2 * TOLERANCE, f"{name} hardly matters: {change}"


def assert_dialects_agree(folder, config, model, ids, pictures):
    twin = twin_of(model, other_dialect(config))
    assert torch.equal(logits_of(twin, ids, pictures), logits_of(model, ids, pictures)), \
        f"{folder}: the config dialects differ"


def assert_variants_show(folder, config, model, ids, pictures):
    """Reading a setting wrongly must not go unnoticed."""
    want = logits_of(model, ids, pictures)
    changes = {}
    for what, changed in wrong_settings(config).items():
        # A setting may do away with tensors (borrowed keys); those that stay are the same.
        twin = twin_of(model, changed, strict=what != "num_kv_shared_layers")
        changes[what] = relative_error(logits_of(twin, ids, pictures), want)
    if model.pictures:      # what kinds and positions of image tokens do
        plain = {"position_ids": None} if model.pictures.qwen else {"token_type_ids": None}
        model.model.rope_deltas = None
        changes["images as text"] = relative_error(logits_of(model, ids, pictures, **plain), want)
    print("  shown: " + ", ".join(f"{what} {change:.2g}" for what, change in changes.items()), flush=True)
    for what, change in changes.items():
        assert change > 5 * TOLERANCE, f"{folder}: {what} hardly matters: {change}"


def expanded(model, ids, pictures):
    return model.pictures.expand(ids, pictures) if model.pictures else ids


def make(root, row, seed):
    folder = root / row["name"]
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    config = dict(row["config"])
    write_json(folder / "config.json", config)
    if "preprocessor" in row:
        write_json(folder / "preprocessor_config.json", row["preprocessor"])
        images.save_all(root / "images")
    read = AutoConfig.from_pretrained(folder)
    state = random_weights(read, model_class(read).from_config(read), row["dtype"] != "F32", seed,
                           row.get("calm", 1.0))
    save_weights(folder, state, DTYPES[row["dtype"]], row.get("shards", 1))

    model = load(folder)
    prompts, pictures, continuations = zip(*pick_prompts(model, row, seed))
    lengths = [len(expanded(model, *of)) for of in zip(prompts, pictures)]

    # The end-of-text token is one that greedy text does contain: an engine that stops at it or bans it is caught.
    vocab = text_config(config)["vocab_size"]
    eos = next(t for t in continuations[0][4:] if any(t in c for c in continuations[1:]))
    config["eos_token_id"] = eos
    config["bos_token_id"] = vocab - 3
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json",
               {"bos_token_id": vocab - 3, "eos_token_id": [eos, vocab - 1], "pad_token_id": vocab - 3,
                **row["generation"]})

    long = lengths.index(max(lengths))
    assert_dialects_agree(folder, config, model, prompts[long], pictures[long])
    if row in MODELS:
        seen = 2 if model.pictures else long
        assert_variants_show(folder, config, model, prompts[seen], pictures[seen])
        short = 2 if model.pictures else PROMPT_LENGTHS.index(17)
        assert_every_tensor_matters(model, prompts[short], pictures[short])

    exact = load(folder, torch.float64)
    noise, positions = 0.0, [kept_positions(n) for n in lengths]
    for i, (ids, shown, kept) in enumerate(zip(prompts, pictures, positions)):
        logits = logits_of(model, ids, shown)
        noise = max(noise, relative_error(logits.double(), logits_of(exact, ids, shown)))
        np.save(folder / f"logits-{i}.npy", logits[kept].numpy())
    print(f"  float32 is within {noise:.1e} of float64", flush=True)
    assert noise < row.get("noise", TOLERANCE / 20), f"{folder}: float32 itself is off by {noise}"
    np.save(folder / "hidden-0.npy", hidden_of(model, prompts[0]).numpy())
    golden = {"vocab": vocab, "prompts": prompts, "continuations": continuations, "positions": positions}
    if model.pictures:
        golden.update(images=pictures, lengths=lengths, features=FEATURES)
        np.save(folder / f"features-{FEATURES.split('.')[0]}.npy", model.pictures.features(model, FEATURES).numpy())
    write_golden(folder / "golden.json", golden)
    write_ggufs(root, row, AutoConfig.from_pretrained(folder), state, eos)
    parameters = sum(w.numel() for w in state.values())
    print(f"{row['name']}: {parameters} parameters, end of text {eos}", flush=True)


def write_ggufs(root, row, config, state, eos):
    text = config.get_text_config()
    text.eos_token_id = eos
    for kind in row["gguf"]:
        write_gguf.write(root / f"{row['name']}.{kind}.gguf", kind, text, write_gguf.text_only(state),
                         row.get("image_tokens", []))
        if "preprocessor" in row:
            write_mmproj.write(root / f"{row['name']}.mmproj.{kind}.gguf", kind, config, state, row["preprocessor"])


def write_golden(path, golden):
    """One line a list, so that a change of one prompt is a change of one line."""
    rows = [f'"{key}": ' + (json.dumps(v) if not isinstance(v, (list, tuple)) else
                            "[\n" + ",\n".join("  " + json.dumps(x) for x in v) + "\n]")
            for key, v in golden.items()]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def main():
    root, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    with torch.no_grad():
        for seed, row in enumerate(MODELS):
            if not wanted or row["name"] in wanted:
                make(root, row, row.get("seed", seed + 1))
        for row in PROOFS:
            if row["name"] in wanted:
                make(root, row, 1)


if __name__ == "__main__":
    main()
