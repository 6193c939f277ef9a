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
    dict(
        name="qwen3-tied",         # q/k norms, 7 query heads a KV head, head_dim wider than hidden / heads
        dtype="BF16",
        gguf=["bf16"],
        config={
            "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "dtype": "bfloat16",
            "vocab_size": 299, "hidden_size": 56, "intermediate_size": 104, "num_hidden_layers": 3,
            "num_attention_heads": 7, "num_key_value_heads": 1, "head_dim": 24, "hidden_act": "silu",
            "attention_bias": False, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048,
            "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}, "tie_word_embeddings": True,
            "layer_types": ["full_attention"] * 3, "use_sliding_window": False, "sliding_window": None,
            "max_window_layers": 3, "transformers_version": "5.0.0",
        },
        generation={"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95},
    ),
    dict(
        name="qwen3-untied",       # a KV head a query head, an epsilon that shows, older dialect
        dtype="F16",
        gguf=["f16"],
        config={
            "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "torch_dtype": "float16",
            "vocab_size": 283, "hidden_size": 56, "intermediate_size": 100, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 24, "hidden_act": "silu",
            "attention_bias": False, "attention_dropout": 0.0, "rms_norm_eps": 1e-3,
            "max_position_embeddings": 1024, "rope_theta": 10000.0, "rope_scaling": None,
            "tie_word_embeddings": False, "use_sliding_window": False, "sliding_window": None,
            "max_window_layers": 2, "transformers_version": "4.51.0",
        },
        generation={"do_sample": False},
    ),
    dict(
        name="qwen3-moe",          # a dense layer between sparse ones; no GGUF: its loaders know sparse layers only
        dtype="BF16",
        gguf=[],
        config={
            "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "torch_dtype": "bfloat16",
            "vocab_size": 271, "hidden_size": 64, "intermediate_size": 88, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 24, "hidden_act": "silu",
            "attention_bias": False, "rms_norm_eps": 1e-6, "max_position_embeddings": 1024,
            "rope_theta": 1000000.0, "rope_scaling": None, "tie_word_embeddings": False,
            "decoder_sparse_step": 1, "mlp_only_layers": [1], "moe_intermediate_size": 36, "num_experts": 8,
            "num_experts_per_tok": 2, "norm_topk_prob": True, "output_router_logits": False,
            "use_sliding_window": False, "sliding_window": None, "max_window_layers": 3,
            "transformers_version": "4.51.0",
        },
        generation={"do_sample": False},
    ),
    dict(
        name="qwen3-moe-sparse",   # every layer sparse, 3 of 6 experts; tied
        dtype="F16",
        gguf=["f16"],
        config={
            "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "dtype": "float16",
            "vocab_size": 263, "hidden_size": 48, "intermediate_size": 88, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu",
            "attention_bias": False, "rms_norm_eps": 1e-5, "max_position_embeddings": 1024,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": True,
            "decoder_sparse_step": 1, "mlp_only_layers": [], "moe_intermediate_size": 44, "num_experts": 6,
            "num_experts_per_tok": 3, "norm_topk_prob": True, "output_router_logits": False,
            "use_sliding_window": False, "sliding_window": None, "max_window_layers": 3,
            "transformers_version": "5.0.0",
        },
        generation={"do_sample": False},
    ),
    dict(
        name="llama3",             # frequencies of all three kinds: kept, blended, divided; no biases, no q/k norm
        dtype="F16",
        gguf=["f16"],
        config={
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16",
            "vocab_size": 281, "hidden_size": 56, "intermediate_size": 100, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 32, "hidden_act": "silu",
            "attention_bias": False, "mlp_bias": False, "rms_norm_eps": 1e-5, "max_position_embeddings": 2048,
            "rope_theta": 500000.0, "tie_word_embeddings": False,
            "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 256, "rope_type": "llama3"},
            "pretraining_tp": 1, "attention_dropout": 0.0, "transformers_version": "4.43.0",
        },
        generation={"do_sample": True, "temperature": 0.6, "top_p": 0.9},
    ),
    dict(
        name="gemma2",             # both soft caps, windows on layers 0 and 2, a scale that is not head_dim's
        dtype="BF16",
        gguf=["f16"],
        config={
            "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "torch_dtype": "bfloat16",
            "vocab_size": 277, "hidden_size": 72, "intermediate_size": 104, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 24,
            "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
            "attention_bias": False, "attention_dropout": 0.0, "rms_norm_eps": 1e-6,
            "max_position_embeddings": 1024, "rope_theta": 10000.0, "query_pre_attn_scalar": 96,
            "sliding_window": 20, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 3.0,
            "cache_implementation": "hybrid", "transformers_version": "4.42.4",
        },
        generation={"cache_implementation": "hybrid"},
    ),
    dict(
        name="gemma3",             # layer 5 of 7 is full, scaled and on the other rope base; tied by default
        dtype="BF16",
        gguf=["bf16"],
        config={
            "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "torch_dtype": "bfloat16",
            "vocab_size": 293, "hidden_size": 56, "intermediate_size": 72, "num_hidden_layers": 7,
            "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 24,
            "hidden_activation": "gelu_pytorch_tanh", "attention_bias": False, "attention_dropout": 0.0,
            "rms_norm_eps": 1e-6, "max_position_embeddings": 1024, "rope_theta": 1000000.0,
            "rope_local_base_freq": 10000.0, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
            "query_pre_attn_scalar": 96, "sliding_window": 24, "sliding_window_pattern": 6,
            "attn_logit_softcapping": None, "final_logit_softcapping": None,
            "cache_implementation": "hybrid", "transformers_version": "4.50.0",
        },
        generation={"cache_implementation": "hybrid", "do_sample": True, "top_k": 64, "top_p": 0.95},
    ),
    dict(
        name="gemma3n",            # layers 4, 5, 6 borrow from 3 (window) and 2 (full); every MLP has its own width
        dtype="BF16",
        gguf=["f16"],
        config={
            "architectures": ["Gemma3nForCausalLM"], "model_type": "gemma3n_text", "torch_dtype": "bfloat16",
            "vocab_size": 307, "vocab_size_per_layer_input": 289, "hidden_size": 48,
            "hidden_size_per_layer_input": 12, "intermediate_size": [100, 72, 88, 60, 76, 104, 92],
            "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 24,
            "hidden_activation": "gelu_pytorch_tanh", "attention_bias": False, "attention_dropout": 0.0,
            "rms_norm_eps": 1e-6, "max_position_embeddings": 1024, "rope_theta": 1000000.0,
            "rope_local_base_freq": 10000.0, "rope_scaling": None, "sliding_window": 24,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention",
                            "sliding_attention", "full_attention", "sliding_attention"],
            "num_kv_shared_layers": 3, "altup_active_idx": 0, "altup_coef_clip": 120.0, "altup_correct_scale": True,
            "altup_lr_multiplier": 1.0, "altup_num_inputs": 4, "laurel_rank": 12,
            "activation_sparsity_pattern": [0.8, 0.6, 0.0, 0.0, 0.0, 0.0, 0.0],
            "final_logit_softcapping": 3.0, "transformers_version": "4.53.0",
        },
        generation={"do_sample": True, "top_k": 64, "top_p": 0.95},
    ),
    dict(
        name="qwen2.5-vl",         # flat config; windows on layers 0 and 2 of the tower; 8 rotary pairs cut 2 + 3 + 3
        dtype="BF16",
        gguf=["f16"],
        config={
            "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
            "torch_dtype": "bfloat16", "vocab_size": 301, "hidden_size": 64, "intermediate_size": 104,
            "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 1, "hidden_act": "silu",
            "attention_dropout": 0.0, "rms_norm_eps": 1e-6, "max_position_embeddings": 2048,
            "rope_theta": 100.0, "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
            "tie_word_embeddings": False, "use_sliding_window": False, "sliding_window": 32,
            "max_window_layers": 3, "vision_start_token_id": 294, "vision_end_token_id": 295,
            "image_token_id": 296, "video_token_id": 297, "use_cache": True,
            "vision_config": {
                "depth": 3, "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 52, "num_heads": 2,
                "in_chans": 3, "out_hidden_size": 64, "patch_size": 14, "spatial_merge_size": 2,
                "spatial_patch_size": 14, "window_size": 112, "fullatt_block_indexes": [1],
                "tokens_per_second": 2, "temporal_patch_size": 2,
            },
            "transformers_version": "4.41.2",
        },
        preprocessor={
            "min_pixels": 3136, "max_pixels": 23520, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
            "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
            "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor",
        },
        image_tokens=["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"],
        generation={"do_sample": True, "repetition_penalty": 1.05, "temperature": 0.000001},
    ),
    dict(
        name="gemma3-vl",          # 9 tokens an image, windows of 6; a terse text_config whose rest are class defaults
        dtype="BF16",
        gguf=["f16"],
        config={
            "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "torch_dtype": "bfloat16",
            "boi_token_index": 285, "eoi_token_index": 286, "image_token_index": 287, "initializer_range": 0.02,
            "mm_tokens_per_image": 9,
            "text_config": {
                "model_type": "gemma3_text", "hidden_size": 56, "intermediate_size": 60, "num_hidden_layers": 6,
                "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 291,
                "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 6,
            },
            "vision_config": {
                "hidden_size": 48, "image_size": 84, "intermediate_size": 76, "model_type": "siglip_vision_model",
                "num_attention_heads": 3, "num_hidden_layers": 3, "patch_size": 14, "vision_use_head": False,
            },
            "transformers_version": "4.50.0.dev0",
        },
        preprocessor={
            "do_convert_rgb": None, "do_normalize": True, "do_pan_and_scan": None, "do_rescale": True,
            "do_resize": True, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "Gemma3ImageProcessor",
            "image_seq_length": 9, "image_std": [0.5, 0.5, 0.5], "pan_and_scan_max_num_crops": None,
            "pan_and_scan_min_crop_size": None, "pan_and_scan_min_ratio_to_activate": None,
            "processor_class": "Gemma3Processor", "resample": 2, "rescale_factor": 0.00392156862745098,
            "size": {"height": 84, "width": 84},
        },
        image_tokens=["<start_of_image>", "<end_of_image>", "<image_soft_token>"],
        generation={"cache_implementation": "hybrid", "do_sample": True, "top_k": 64, "top_p": 0.95},
    ),
]

# Not committed. llama.cpp has Gemma 3n's published numbers built in (20 layers with keys of their own, the first ten
# sparse, windows in fives, one MLP width, 256 inputs a layer, rank 64, a cap of 30), so only a deep model shows that
# write_gguf.py writes what it reads.
PROOFS = [
    dict(
        name="gemma3n-deep",
        dtype="BF16",
        calm=0.15,
        noise=1e-3,
        lengths=[3, 60, 17, 30],
        gguf=["f16"],
        config={
            **next(m for m in MODELS if m["name"] == "gemma3n")["config"],
            "num_hidden_layers": 25, "num_kv_shared_layers": 5, "intermediate_size": [200] * 25,
            "hidden_size_per_layer_input": 256, "laurel_rank": 64, "final_logit_softcapping": 30.0,
            "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 5,
            "activation_sparsity_pattern": [0.95] * 10 + [0.0] * 15,
        },
        generation={"do_sample": False},
    ),
]

NOT_IN_LLAMA_CPP = {
    "gemma3n": "its loader has the published layer counts built in; gemma3n-deep stands in for it",
}

# Together they are the ragged batch. 17 is one more than a page of 16, 64 fills pages and buckets exactly, the
# single token has no past, 600 exceeds the largest prefill bucket.
PROMPT_LENGTHS = [3, 100, 600, 17, 64, 1]
CONTINUATION = 48

# Prompts of the models that see: numbers of random ids, and pictures of images.py. The fourth run of image tokens
# lies across position 512; pictures come first, last, twice, and two in a row.
PICTURE_PROMPTS = [
    [3], [4, "small.png", 5], [2, "photo.jpg", 3, "clear.png", 9], [500, "photo.jpg", 60],
    ["narrow.png", "small.png", 1, "narrow.png"], [64], [20, "half.png", 1],
]
FULL_LOGITS_UP_TO = 64     # longer prompts keep the logits of some positions only, so the repository stays small


def kept_positions(length):
    if length <= FULL_LOGITS_UP_TO:
        return list(range(length))
    return sorted({*range(4), *range(0, length, 37), *range(length - 4, length)})


# Where the text settings lie in a multimodal config.
def text_config(config):
    return config.get("text_config", config)


VISION_KEYS = ("architectures", "model_type", "vision_config", "image_token_id", "video_token_id",
               "vision_start_token_id", "vision_end_token_id", "tie_word_embeddings", "torch_dtype",
               "transformers_version")


def nested_qwen(config):
    """Qwen2.5-VL's flat published config as transformers 5 writes it."""
    text = {k: v for k, v in config.items() if k not in VISION_KEYS and k not in ("rope_theta", "rope_scaling")}
    rope = {"rope_theta": config["rope_theta"], "rope_type": "default",
            "mrope_section": config["rope_scaling"]["mrope_section"]}
    text.update(model_type="qwen2_5_vl_text", rope_parameters=rope, dtype=config["torch_dtype"],
                layer_types=["full_attention"] * config["num_hidden_layers"])
    rest = {k: v for k, v in config.items() if k in VISION_KEYS and k != "torch_dtype"}
    return {**rest, "dtype": config["torch_dtype"], "text_config": text}


def other_dialect(config):
    """The same model written the other way round: older keys become newer ones or the reverse."""
    if config["model_type"] == "qwen2_5_vl":
        return nested_qwen(config)
    c = dict(config)
    if "text_config" in c:
        c["dtype"] = c.pop("torch_dtype")
        c["text_config"] = other_dialect({"torch_dtype": c["dtype"], "rope_theta": 1000000.0,
                                          "rope_local_base_freq": 10000.0, "sliding_window_pattern": 6,
                                          **c["text_config"]})
        return c
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
    kind = scaling.pop("type", None) or scaling.pop("rope_type")
    rope = {"rope_theta": c.pop("rope_theta"), "rope_type": kind, **scaling}
    if "rope_local_base_freq" in c:      # one rope for each attention type; only the full one is ever scaled
        local = {"rope_theta": c.pop("rope_local_base_freq"), "rope_type": "default"}
        rope = {"full_attention": rope, "sliding_attention": local}
    c["rope_parameters"] = rope
    pattern = c.pop("sliding_window_pattern", None) or (2 if c["model_type"] == "gemma2" else None)
    if pattern:
        c["layer_types"] = ["sliding_attention" if (i + 1) % pattern else "full_attention"
                            for i in range(c["num_hidden_layers"])]
    c["dtype"] = c.pop("torch_dtype")
    return c
