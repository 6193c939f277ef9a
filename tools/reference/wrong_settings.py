"""Every way of misreading a config that must show in the logits: by name, the config as the misreader sees it."""


def wrong_settings(config):
    if config["model_type"] == "gemma3":
        return wrong_gemma_vision(config)
    if config["model_type"] == "qwen2_5_vl":
        return wrong_qwen_vision(config)
    wrong = {}

    def change(what, without=(), **changes):
        wrong[what] = {**{k: v for k, v in config.items() if k not in without}, **changes}

    if "rope_theta" in config:
        change("rope_theta", rope_theta=9000.0)
    elif "rope_parameters" in config:
        change("rope_theta", rope_parameters={**config["rope_parameters"], "rope_theta": 9000.0})
    if "rope_local_base_freq" in config:
        change("rope_local_base_freq", rope_local_base_freq=config["rope_theta"])
    if config["rms_norm_eps"] > 1e-4:
        change("rms_norm_eps", rms_norm_eps=1e-6)
    if config.get("rope_scaling"):
        scaled_ropes(config, change)
    if config.get("query_pre_attn_scalar"):
        change("query_pre_attn_scalar", query_pre_attn_scalar=config["head_dim"])
    for cap in ("attn_logit_softcapping", "final_logit_softcapping"):
        if config.get(cap):
            change(cap, **{cap: None if config["model_type"] == "gemma2" else 30.0})
            change(f"{cap} published", **{cap: {"attn": 50.0, "fina": 30.0}[cap[:4]]})
    if slides(config):
        windows(config, change)
    if "num_experts" in config:
        change("norm_topk_prob", norm_topk_prob=False)
        change("num_experts_per_tok", num_experts_per_tok=config["num_experts_per_tok"] + 1)
    if config["model_type"] == "gemma3n_text":
        change("altup_active_idx", altup_active_idx=1)
        change("altup_correct_scale", altup_correct_scale=False)
        change("activation_sparsity_pattern", activation_sparsity_pattern=[0.0] * config["num_hidden_layers"])
        change("num_kv_shared_layers", num_kv_shared_layers=0)
    return wrong


def scaled_ropes(config, change):
    scaling = config["rope_scaling"]
    kind = scaling.get("type") or scaling.get("rope_type")
    change(f"no {kind}", rope_scaling=None)
    if kind == "yarn":
        change("no attention factor", rope_scaling=dict(scaling, attention_factor=1.0))
        change("original context", rope_scaling=dict(
            scaling, original_max_position_embeddings=config["max_position_embeddings"]))
    if kind == "llama3":
        for key, value in dict(low_freq_factor=2.0, high_freq_factor=8.0, factor=4.0,
                               original_max_position_embeddings=512).items():
            change(key, rope_scaling={**scaling, key: value})
    if kind != "linear":
        change("linear", rope_scaling=dict(type="linear", factor=scaling["factor"]))
    elif "rope_local_base_freq" in config:
        local = {"rope_type": "linear", "factor": scaling["factor"], "rope_theta": config["rope_local_base_freq"]}
        full = {**local, "rope_theta": config["rope_theta"]}
        change("scaled windows", without=("rope_theta", "rope_local_base_freq", "rope_scaling"),
               rope_parameters={"full_attention": full, "sliding_attention": local})


def slides(config):
    return config["model_type"] in ("gemma2", "gemma3_text", "gemma3n_text")


def windows(config, change):
    window, layers = config["sliding_window"], config["num_hidden_layers"]
    change("no window", sliding_window=4096)
    change("window one less", sliding_window=window - 1)
    change("window one more", sliding_window=window + 1)
    if "layer_types" in config:
        types = config["layer_types"]
        change("layer_types", layer_types=types[1:] + types[:1])
    else:
        change("all layers slide", layer_types=["sliding_attention"] * layers)
        change("no layer slides", layer_types=["full_attention"] * layers)


# What a text_config of Gemma 3 may leave out.
GEMMA3_DEFAULTS = {"rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "query_pre_attn_scalar": 256,
                   "rms_norm_eps": 1e-6}


def wrong_gemma_vision(config):
    text, vision = config["text_config"], config["vision_config"]
    wrong = {what: {**config, "text_config": changed}
             for what, changed in wrong_settings({**GEMMA3_DEFAULTS, **text}).items()}
    wrong["tower heads"] = {**config, "vision_config": {**vision, "num_attention_heads": 2}}
    return wrong


def wrong_qwen_vision(config):
    vision = config["vision_config"]
    sections = {"equal sections": [2, 2, 4], "sections turned round": [3, 3, 2]}
    wrong = {what: {**config, "rope_scaling": {"type": "mrope", "mrope_section": cut}}
             for what, cut in sections.items()}
    towers = {"no full layer": {"fullatt_block_indexes": []}, "all layers full": {"fullatt_block_indexes": [0, 1, 2]},
              "window_size": {"window_size": 56}}
    wrong.update({what: {**config, "vision_config": {**vision, **change}} for what, change in towers.items()})
    wrong["rope_theta"] = {**config, "rope_theta": 9000.0}
    return wrong
