"""The tiny reference models, one row each: a config.json as it is published, and how its weights are stored.

A later architecture is one more row. The config is written in the dialect that the row shows (older: rope_theta,
rope_scaling, torch_dtype; newer: rope_parameters, dtype), and make_goldens.py proves that the other dialect gives
the same logits. Sizes are odd on purpose: no vocabulary is a multiple of 64, no MLP width a multiple of 64.
"""

# Weights of "F16" and "BF16" rows are drawn so that F32, F16 and BF16 all hold them exactly. One golden then
# serves every file made of them, and only a wrong conversion can tell the files apart.
MODELS = [
    dict(
        name="qwen2-tied",         # odd layer count, 2 query heads a KV head, full-precision F32 weights
        dtype="F32",
        gguf=["f32"],
        config={
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float32",
            "vocab_size": 331, "hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "rms_norm_eps": 1e-6,
            "max_position_embeddings": 1024, "rope_theta": 1000000.0, "tie_word_embeddings": True,
            "use_sliding_window": False, "sliding_window": 1024, "max_window_layers": 3,
            "attention_dropout": 0.0, "initializer_range": 0.02, "use_cache": True,
            "transformers_version": "4.46.0",
        },
        generation={"do_sample": False},
    ),
    dict(
        name="qwen2-untied",       # 7 query heads a KV head, weights in three files, a norm epsilon that shows
        dtype="BF16",
        shards=3,
        gguf=["f16"],
        config={
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "dtype": "bfloat16",
            "vocab_size": 277, "hidden_size": 224, "intermediate_size": 88, "num_hidden_layers": 2,
            "num_attention_heads": 14, "num_key_value_heads": 2, "hidden_act": "silu",
            "rms_norm_eps": 1e-3, "max_position_embeddings": 2048,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
            "layer_types": ["full_attention", "full_attention"],
            # Off, so the window of 32 must be ignored; tie_word_embeddings is absent: false for this model.
            "use_sliding_window": False, "sliding_window": 32, "max_window_layers": 1,
            "transformers_version": "5.0.0",
        },
        # Sampling advice that greedy plumbing must not follow.
        generation={"do_sample": True, "repetition_penalty": 1.05, "temperature": 0.7, "top_p": 0.8, "top_k": 20},
    ),
    dict(
        name="qwen2-yarn",         # YaRN: 600 tokens exceed the original 256, 100 do not, both are scaled
        dtype="F16",
        gguf=["f16"],
        config={
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16",
            "vocab_size": 307, "hidden_size": 96, "intermediate_size": 120, "num_hidden_layers": 2,
            "num_attention_heads": 3, "num_key_value_heads": 1, "hidden_act": "silu", "rms_norm_eps": 1e-5,
            "max_position_embeddings": 1024, "rope_theta": 10000.0, "tie_word_embeddings": False,
            "rope_scaling": {"factor": 4.0, "original_max_position_embeddings": 256, "type": "yarn"},
            "use_sliding_window": False, "sliding_window": None, "max_window_layers": 2,
            "transformers_version": "4.46.0",
        },
        generation={"do_sample": False},
    ),
]

# Together they are the ragged batch. 17 is one more than a page of 16, 64 fills pages and buckets exactly, the
# single token has no past, 600 exceeds the largest prefill bucket.
PROMPT_LENGTHS = [3, 100, 600, 17, 64, 1]
CONTINUATION = 48
FULL_LOGITS_UP_TO = 64     # longer prompts keep the logits of some positions only, so the repository stays small


def kept_positions(length):
    if length <= FULL_LOGITS_UP_TO:
        return list(range(length))
    return sorted({*range(4), *range(0, length, 37), *range(length - 4, length)})


def other_dialect(config):
    """The same model written the other way round: older keys become newer ones or the reverse."""
    c = dict(config)
    if "rope_parameters" in c:
        rope = dict(c.pop("rope_parameters"))
        c["rope_theta"] = rope.pop("rope_theta")
        kind = rope.pop("rope_type")
        if kind != "default":
            c["rope_scaling"] = {"type": kind, **rope}
        c["torch_dtype"] = c.pop("dtype")
        c.pop("layer_types", None)
        return c
    scaling = dict(c.pop("rope_scaling", None) or {"type": "default"})
    c["rope_parameters"] = {"rope_theta": c.pop("rope_theta"), "rope_type": scaling.pop("type"), **scaling}
    c["dtype"] = c.pop("torch_dtype")
    return c
