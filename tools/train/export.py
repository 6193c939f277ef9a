"""Makes model files of a training run: a Hugging Face folder and the GGUF that the repository carries.

One idea: the run's pieces are a safetensors file cut up; joined, they are the folder's weights as they are, and in
Q8_0 the GGUF's.

    python3 tools/train/export.py RUN --folder build/troika-mini --gguf models/troika-mini.gguf
"""

import argparse
import json
import pathlib

import numpy as np

import gguf_writer

LIMIT_BYTES = 20_000_000
TEMPLATE = """{%- if messages[0]['role'] != 'system' -%}
<|im_start|>system
You are Troika, a small helpful assistant.<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
_NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
          "self_attn.v_proj": "attn_v",
          "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
          "mlp.gate_proj": "ffn_gate",
          "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    size = int.from_bytes(data[:8], "little")
    table, body = json.loads(data[8:8 + size]), data[8 + size:]
    out = {}
    for name, entry in table.items():
        if name != "__metadata__":
            assert entry["dtype"] == "F16", f"{name} is {entry['dtype']}, expected F16"
            start, stop = entry["data_offsets"]
            out[name] = np.frombuffer(body[start:stop], "<f2").reshape(entry["shape"]).astype(np.float32)
    return out


def gguf_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    part, ending = rest.rsplit(".", 1)
    return f"blk.{layer}.{_NAMES[part]}.{ending}"


def order(name: str):
    """Embedding first, then the layers by number, then the last norm."""
    parts = name.split(".")
    return (0, 0) if parts[0] == "token_embd" else (1, int(parts[1])) if parts[0] == "blk" else (2, 0)


def read_tokenizer(path: pathlib.Path):
    """(tokens in id order, their GGUF types, merges as GGUF writes them)."""
    data = json.loads(path.read_text())
    tokens = {i: token for token, i in data["model"]["vocab"].items()}
    special = {entry["id"]: entry["content"] for entry in data["added_tokens"]}
    tokens.update(special)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in data["model"]["merges"]]
    ordered = [tokens[i] for i in range(len(tokens))]
    return ordered, [3 if i in special else 1 for i in range(len(ordered))], merges


def write_gguf(path, config: dict, weights: dict, tokenizer: pathlib.Path) -> int:
    tokens, types, merges = read_tokenizer(tokenizer)
    end, start_of_text = tokens.index("<|im_end|>"), tokens.index("<|endoftext|>")
    metadata = {
        "general.architecture": ("string", "qwen2"), "general.type": ("string", "model"),
        "general.name": ("string", "Troika Mini"),
        "general.basename": ("string", "troika-mini"), "general.size_label": ("string", "18M"),
        "general.license": ("string", "apache-2.0"),
        "general.license.name": ("string", "Apache License 2.0"), "general.author": ("string",
                                                            "The Troika authors"),
        "general.languages": ("string[]", ["en"]), "general.file_type": ("u32", 7),
        "general.quantization_version": ("u32", 2),
        "general.alignment": ("u32", gguf_writer.ALIGNMENT),
        "qwen2.context_length": ("u32", config["max_position_embeddings"]), "qwen2.embedding_length": ("u32",
                                                            config["hidden_size"]),
        "qwen2.block_count": ("u32", config["num_hidden_layers"]), "qwen2.feed_forward_length": ("u32",
                                                            config["intermediate_size"]),
        "qwen2.attention.head_count": ("u32", config["num_attention_heads"]),
        "qwen2.attention.head_count_kv": ("u32", config["num_key_value_heads"]),
        "qwen2.attention.layer_norm_rms_epsilon": ("f32", config["rms_norm_eps"]),
        "qwen2.rope.freq_base": ("f32", rope_base(config)),
        "tokenizer.ggml.model": ("string", "gpt2"), "tokenizer.ggml.pre": ("string", "qwen2"),
        "tokenizer.ggml.tokens": ("string[]", tokens),
        "tokenizer.ggml.token_type": ("i32[]", types), "tokenizer.ggml.merges": ("string[]", merges),
        "tokenizer.ggml.bos_token_id": ("u32", start_of_text), "tokenizer.ggml.eos_token_id": ("u32", end),
        "tokenizer.ggml.padding_token_id": ("u32", start_of_text), "tokenizer.ggml.add_bos_token": ("bool",
                                                            False),
        "tokenizer.chat_template": ("string", TEMPLATE),
    }
    named = sorted(((gguf_name(name), array) for name, array in weights.items()),
                   key=lambda entry: order(entry[0]))
    return gguf_writer.write(path, metadata, [(name, array, array.ndim == 2) for name, array in named])


def rope_base(config: dict) -> float:
    """Where transformers keeps it depends on its version."""
    return float(config.get("rope_theta") or config["rope_parameters"]["rope_theta"])


def write_folder(folder: pathlib.Path, run: pathlib.Path, config: dict, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "tokenizer.json").write_bytes((run / "tokenizer.json").read_bytes())
    ends = {"bos_token_id": config["bos_token_id"], "eos_token_id": config["eos_token_id"],
            "pad_token_id": config["pad_token_id"]}
    plain_config = {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16",
        "hidden_act": "silu",
        "tie_word_embeddings": True, "attention_dropout": 0.0, "rope_theta": rope_base(config),
        "use_sliding_window": False,
        **{key: config[key] for key in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                                        "num_attention_heads",
                                        "num_key_value_heads", "max_position_embeddings", "rms_norm_eps",
                                        "initializer_range")}, **ends}
    settings = {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "add_prefix_space": False,
                "bos_token": None, "eos_token": "<|im_end|>",
                "pad_token": "<|endoftext|>", "unk_token": None,
                "model_max_length": config["max_position_embeddings"],
                "clean_up_tokenization_spaces": False, "chat_template": TEMPLATE}
    generation = {"do_sample": False, **ends, "eos_token_id": [config["eos_token_id"],
                                                            config["bos_token_id"]]}
    for name, content in (("config", plain_config), ("tokenizer_config", settings), ("generation_config",
                                                            generation)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("run", type=pathlib.Path, help="the folder that train.py wrote")
    options.add_argument("--folder", type=pathlib.Path, help="write a Hugging Face folder here")
    options.add_argument("--gguf", type=pathlib.Path, help="write a GGUF file here")
    chosen = options.parse_args()
    data = b"".join(piece.read_bytes() for piece in sorted(chosen.run.glob("model.part*")))
    config = json.loads((chosen.run / "config.json").read_text())
    if chosen.folder:
        write_folder(chosen.folder, chosen.run, config, data)
    if chosen.gguf:
        chosen.gguf.parent.mkdir(parents=True, exist_ok=True)
        size = write_gguf(chosen.gguf, config, read_safetensors(data), chosen.run / "tokenizer.json")
        assert size <= LIMIT_BYTES, f"{chosen.gguf} has {size} bytes, at most {LIMIT_BYTES} are allowed"
        print(chosen.gguf, size, "bytes")


if __name__ == "__main__":
    main()
