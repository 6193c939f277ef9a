"""Random weights for a tiny model, and the names under which published files hold them.

Every tensor must count: biases and norms are random, attention is far from uniform, routers decide.
"""
import re

import torch

# Models whose norms multiply by 1 + w: their weights lie around 0. SigLIP's are ordinary.
ONE_PLUS = ("gemma2", "gemma3", "gemma3_text")

# Added to the norms of queries and keys, so that attention is neither even nor a choice of one. Gemma 3n's scores are
# not scaled down; those of the terse multimodal config are, by a default that is meant for wider heads.
SHARPER = {"gemma3n_text": -0.4, "gemma3": 1.5}


def is_norm(name):
    return bool(re.search(r"(norm\d?|ln_q)\.weight$", name))


def neutral_norm(name, model_type):
    """The value that a norm's weight would have if it did nothing."""
    return 0.0 if model_type in ONE_PLUS and "vision_tower" not in name else 1.0


def draw(name, shape, model_type, generator):
    noise = torch.randn(shape, generator=generator)
    if is_norm(name):
        if re.search(r"\.(q|k)_norm\.", name):
            return neutral_norm(name, model_type) + SHARPER.get(model_type, 0.5) + 0.3 * noise
        if model_type.startswith("gemma") and name.endswith(("model.norm.weight", "language_model.norm.weight")):
            # Of both signs: with a tied head and a scaled embedding every token would name itself for ever.
            return neutral_norm(name, model_type) - 0.7 + noise
        return neutral_norm(name, model_type) + 0.2 * noise
    if name.endswith("correct_output_scale"):
        return 1 + 0.2 * noise
    if name.endswith(".bias"):
        return 0.5 * noise
    if "embed_tokens" in name or "position_embedding" in name:
        scaled_up = model_type.startswith("gemma") and name.endswith("embed_tokens.weight")
        return (0.08 if scaled_up else 0.3) * noise
    if "_coefs" in name:
        return 0.25 * noise
    if name.endswith("modality_router.weight"):      # its input is divided by the width
        return 0.6 * shape[-1] ** 0.5 * noise
    fan_in = noise[0].numel() if "patch" in name else shape[-1]
    if name.endswith("mm_input_projection_weight"):  # stored [in, out]
        fan_in = shape[0]
    gain = 1.6 if re.search(r"\.(q|k)_proj\.", name) else 1.2
    return gain * fan_in ** -0.5 * noise


def make_exact(w):
    """The nearest values that F32, F16 and BF16 all hold: below 2^-17 F16 has fewer bits than BF16."""
    w = torch.where(w.abs() < 2.0 ** -17, torch.zeros(()), w.bfloat16().float())
    assert torch.equal(w, w.half().float())
    return w


def random_weights(config, model, exact, seed, calm=1.0):
    """The published state dict, by name, in float32. Deep models need calm: less of each layer in the stream."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {name: p.shape for name, p in model.state_dict().items()}
    if config.tie_word_embeddings:
        shapes.pop("lm_head.weight", None)
    shapes.update(borrowed_kv_shapes(config))
    state = {}
    for name, shape in shapes.items():
        w = draw(name, shape, config.model_type, generator)
        if "post_" in name and is_norm(name):
            w = calm * w
        w = make_exact(w) if exact else w
        state.update(published(name, w, config.model_type))
    return state


def borrowed_kv_shapes(config):
    """Gemma 3n files hold keys and values for the layers that borrow them; nobody may read these."""
    if config.model_type != "gemma3n_text":
        return {}
    width = config.num_key_value_heads * config.head_dim
    own = config.num_hidden_layers - config.num_kv_shared_layers
    shapes = {}
    for layer in range(own, config.num_hidden_layers):
        attention = f"model.layers.{layer}.self_attn"
        shapes[f"{attention}.k_proj.weight"] = shapes[f"{attention}.v_proj.weight"] = (width, config.hidden_size)
        shapes[f"{attention}.k_norm.weight"] = (config.head_dim,)
    return shapes


# transformers 5 keeps its parameters under other names than published files do.
PREFIXES = {
    "qwen2_5_vl": (("model.language_model.", "model."), ("model.visual.", "visual.")),
    "gemma3": (("model.language_model.", "language_model.model."), ("lm_head.", "language_model.lm_head."),
               ("model.vision_tower.", "vision_tower.vision_model."),
               ("model.multi_modal_projector.", "multi_modal_projector.")),
}


def published(name, w, model_type):
    """The tensors that a published file holds for one parameter of transformers 5."""
    if name.endswith("mlp.experts.gate_up_proj"):
        gate, up = w.chunk(2, dim=1)
        return {**experts(name, "gate_proj", gate), **experts(name, "up_proj", up)}
    if name.endswith("mlp.experts.down_proj"):
        return experts(name, "down_proj", w)
    for ours, theirs in PREFIXES.get(model_type, ()):
        if name.startswith(ours):
            return {theirs + name[len(ours):]: w}
    return {name: w}


def experts(name, matrix, stacked):
    stem = name.rsplit(".", 1)[0]
    return {f"{stem}.{i}.{matrix}.weight": w for i, w in enumerate(stacked)}
