"""Writes a Hugging Face state dict as GGUF through the gguf package: keys from the config, a stub tokenizer.

Names, keys and the few changed tensors are those of llama.cpp's converter, so that the files are such as are published.
"""
import math

import gguf
import torch

from weights import ONE_PLUS, is_norm

TYPES = {"f32": (gguf.LlamaFileType.ALL_F32, torch.float32), "f16": (gguf.LlamaFileType.MOSTLY_F16, torch.float16),
         "bf16": (gguf.LlamaFileType.MOSTLY_BF16, torch.bfloat16)}
ARCHITECTURES = {"qwen3_moe": "qwen3moe", "gemma3_text": "gemma3", "gemma3n_text": "gemma3n",
                 "qwen2_5_vl_text": "qwen2vl"}
SCALES = {"linear": gguf.RopeScalingType.LINEAR, "yarn": gguf.RopeScalingType.YARN}
# Matrices that the converter leaves in F32.
PRECISE = ("ffn_gate_inp", "altup_correct_coef", "altup_predict_coef")



def byte_alphabet():
    """GPT-2's printable stand-in for every byte value, in byte order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(spare)) for b in range(256)]


def letter_pairs(count):
    letters = "etaoinshrdlu"
    return [(a, b) for a in letters for b in letters][:count]


def stub_byte_tokenizer(writer, vocab, eos, controls):
    """The 256 bytes, merges of two letters, the control tokens last: `vocab` tokens in all."""
    pairs = letter_pairs(vocab - 256 - len(controls))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(byte_alphabet() + [a + b for a, b in pairs] + controls)
    writer.add_token_types([gguf.TokenType.NORMAL] * (vocab - len(controls)) +
                           [gguf.TokenType.CONTROL] * len(controls))
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(vocab - 3)
    writer.add_eos_token_id(eos)
    writer.add_add_bos_token(False)


def stub_piece_tokenizer(writer, vocab, eos, controls):
    """SentencePiece's way: the 256 byte pieces, pieces of two letters with falling scores, the controls last."""
    pairs = letter_pairs(vocab - 256 - len(controls))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([f"<0x{b:02X}>" for b in range(256)] + [a + b for a, b in pairs] + controls)
    writer.add_token_scores([-1000.0] * 256 + [-float(i) for i in range(len(pairs))] + [-1000.0] * len(controls))
    writer.add_token_types([gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(pairs) +
                           [gguf.TokenType.CONTROL] * len(controls))
    writer.add_bos_token_id(vocab - 3)
    writer.add_eos_token_id(eos)
    writer.add_unk_token_id(vocab - 1)
    writer.add_pad_token_id(vocab - 2)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)


def stub_tokenizer(writer, arch, vocab, eos, images=()):
    if arch.startswith("gemma"):
        stub_piece_tokenizer(writer, vocab, eos, [*images, "<bos>", "<pad>", "<unk>"])
    else:
        stub_byte_tokenizer(writer, vocab, eos, [*images, "<|endoftext|>", "<|im_start|>", "<|im_end|>"])



def sizes(writer, config):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if getattr(config, "head_dim", None):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)


def rope(writer, arch, config):
    ropes = config.rope_parameters
    full = ropes.get("full_attention", ropes)
    if arch != "gemma2":
        writer.add_rope_freq_base(full["rope_theta"])
    if arch == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.head_dim)
    if "mrope_section" in full:
        writer.add_rope_dimension_sections([*full["mrope_section"], 0])
    if full["rope_type"] in SCALES:
        writer.add_rope_scaling_type(SCALES[full["rope_type"]])
        writer.add_rope_scaling_factor(full["factor"])
    if full["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(full["original_max_position_embeddings"])


def gemma(writer, arch, config):
    writer.add_sliding_window(config.sliding_window)
    if arch == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
    if config.final_logit_softcapping:
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if arch == "gemma3n":
        writer.add_altup_active_idx(config.altup_active_idx)
        writer.add_altup_num_inputs(config.altup_num_inputs)
        writer.add_embedding_length_per_layer_input(config.hidden_size_per_layer_input)
        writer.add_shared_kv_layers(config.num_kv_shared_layers)
        writer.add_activation_sparsity_scale(
            [torch.distributions.Normal(0, 1).icdf(torch.tensor(s, dtype=torch.float32)).item()
             for s in config.activation_sparsity_pattern])
        writer.add_sliding_window_pattern([t == "sliding_attention" for t in config.layer_types])


def experts(writer, config):
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)



def interleaved(w, heads):
    """Llama's rows as GGUF has them: rotated pairs lie side by side, not half a head apart."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(w.shape)


def llama3_factors(config):
    """What each rope frequency is divided by; their own tensor in GGUF."""
    scaling, d = config.rope_parameters, config.head_dim
    lengths = 2 * math.pi * scaling["rope_theta"] ** (torch.arange(0, d, 2, dtype=torch.float64) / d)
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    context = scaling["original_max_position_embeddings"]
    blend = ((context / lengths - low) / (high - low)).clamp(0, 1)
    return (1 / ((1 - blend) / scaling["factor"] + blend)).float()


def stacked(state, pattern, target):
    """Replaces tensors that differ in one number of their name by one tensor with them in turn."""
    parts = [state.pop(pattern.format(i)) for i in range(sum(pattern.split("{}")[0] in n for n in state))
             if pattern.format(i) in state]
    state[target] = torch.stack(parts)


def text_only(state):
    """The language model's tensors of a multimodal file, as a text model's file names them."""
    others = ("visual.", "vision_tower.", "multi_modal_projector.")
    return {name.removeprefix("language_model."): w for name, w in state.items() if not name.startswith(others)}


def gguf_tensors(arch, config, state):
    """The tensors by the names that gguf's table knows, with the values that GGUF holds."""
    state = dict(state)
    if arch == "llama":
        for name in [n for n in state if n.endswith(("q_proj.weight", "k_proj.weight"))]:
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            state[name] = interleaved(state[name], heads)
        if config.rope_parameters["rope_type"] == "llama3":
            state["rope_freqs.weight"] = llama3_factors(config)
    if arch == "qwen3moe":
        for layer in range(config.num_hidden_layers):
            for matrix in ("gate_proj", "up_proj", "down_proj"):
                stem = f"model.layers.{layer}.mlp.experts"
                stacked(state, stem + ".{}." + matrix + ".weight", f"{stem}.{matrix}.weight")
    if arch == "gemma3n":
        for part in ("altup_projections", "altup_unembed_projections"):
            stacked(state, f"model.{part}." + "{}.weight", f"model.{part}.weight")
        for name in [n for n in state if n.endswith("_scale")]:
            state[name + ".weight"] = state.pop(name)
        # The converter pads this table with zeros up to the vocabulary. Row 0, which transformers reads for the
        # missing ids, makes the file say what transformers computes.
        table = state["model.embed_tokens_per_layer.weight"]
        missing = config.vocab_size - table.shape[0]
        state["model.embed_tokens_per_layer.weight"] = torch.cat([table, table[:1].expand(missing, -1)])
    if arch in ONE_PLUS:
        for name in filter(is_norm, state):
            state[name] = state[name] + 1
        fold_attention_scale(arch, config, state)
    return state


def fold_attention_scale(arch, config, state):
    """GGUF has no key for query_pre_attn_scalar: readers take head_dim (or, for the 27B sizes only, hidden / heads).
    So what is left of the scale goes into the queries: a power of two, which costs no bit."""
    scale = (config.head_dim / config.query_pre_attn_scalar) ** 0.5
    assert math.frexp(scale)[0] == 0.5, "the golden would not be exact"
    part = "q_proj.weight" if arch == "gemma2" else "q_norm.weight"
    for name in [n for n in state if n.endswith(part)]:
        state[name] = state[name] * scale


def numpy_of(t, dtype):
    """gguf wants BF16 as bytes."""
    t = t.to(dtype).contiguous()
    return t.view(torch.uint8).numpy() if dtype == torch.bfloat16 else t.numpy()


def add_tensor(writer, name, t, matrix_type):
    precise = t.dim() == 1 or any(p in name for p in PRECISE)
    dtype = torch.float32 if precise else matrix_type
    raw = gguf.GGMLQuantizationType.BF16 if dtype == torch.bfloat16 else None
    writer.add_tensor(name, numpy_of(t, dtype), raw_dtype=raw)


def save(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(path, kind, config, state, images=()):
    """The text model. `images` are the names of its image tokens, which lie before the last three ids."""
    file_type, matrix_type = TYPES[kind]
    arch = ARCHITECTURES.get(config.model_type, config.model_type)
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(path.name.rsplit(".", 2)[0])
    writer.add_file_type(file_type)
    sizes(writer, config)
    rope(writer, arch, config)
    if arch.startswith("gemma"):
        gemma(writer, arch, config)
    if arch == "qwen3moe":
        experts(writer, config)
    eos = config.eos_token_id
    stub_tokenizer(writer, arch, config.vocab_size, eos[0] if isinstance(eos, list) else eos, images)

    arch_id = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == arch)
    names = gguf.get_tensor_name_map(arch_id, config.num_hidden_layers)
    for name, tensor in gguf_tensors(arch, config, state).items():
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert known, f"GGUF has no name for {name}"
        add_tensor(writer, known, tensor, matrix_type)
    save(writer)
