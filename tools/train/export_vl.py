"""Makes model files of a run of train_vl.py: a Hugging Face folder, and the two GGUF files that the repository carries.

One idea: names and shapes are transformers' in the run; this file holds the two tables that turn them into GGUF's, one
for the text model and one for the tower.

    python3 tools/train/export_vl.py RUN --folder build/troika-mini-vl --gguf models/troika-mini-vl.gguf
"""

import argparse
import json
import pathlib

import export
import gguf_writer
from vl import preprocess
from vl.chats import SYSTEM

LIMIT_BYTES = 20_000_000
# Parts of a message come in their order, nothing between them; a picture is one pad token, which the server spreads.
TEMPLATE = """{%- if messages[0]['role'] != 'system' -%}
<|im_start|>system
SYSTEM<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message['role'] }}
{% if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' or part['type'] == 'image_url' -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif part['type'] == 'video' -%}
<|vision_start|><|video_pad|><|vision_end|>
{%- elif 'text' in part -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
""".replace("SYSTEM", SYSTEM)

_VISION = {
    "norm1": "ln1", "norm2": "ln2", "attn.proj": "attn_out", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down"
}
_MERGER = {"merger.ln_q": "v.post_ln", "merger.mlp.0": "mm.0", "merger.mlp.2": "mm.2"}


def text_tensors(weights: dict) -> list:
    """(name, array, stored as) of the text model."""
    named = sorted(((export.gguf_name(name.replace("language_model.", "")), array)
                    for name, array in weights.items() if "language_model" in name),
                   key=lambda entry: export.order(entry[0]))
    return [(name, array, array.ndim == 2) for name, array in named]


def vision_tensors(weights: dict) -> list:
    """(name, array, stored as) of the tower and the merger. The two time slices of the patch kernel are two tensors."""
    out = []
    for name, array in weights.items():
        if not name.startswith("model.visual."):
            continue
        name = name.removeprefix("model.visual.")
        part, ending = name.rsplit(".", 1)
        if part == "patch_embed.proj":
            out += [("v.patch_embd.weight", array[:, :, 0], "f16"), ("v.patch_embd.weight.1", array[:, :, 1], "f16")]
        elif part in _MERGER:
            out.append((f"{_MERGER[part]}.{ending}", array, array.ndim == 2))
        else:
            _, block, part = part.split(".", 2)
            if part == "attn.qkv":
                third = len(array) // 3
                out += [(f"v.blk.{block}.attn_{which}.{ending}", array[i * third:(i + 1) * third], array.ndim == 2)
                        for i, which in enumerate("qkv")]
            else:
                out.append((f"v.blk.{block}.{_VISION[part]}.{ending}", array, array.ndim == 2))
    return sorted(out, key=lambda entry: _vision_order(entry[0]))


def _vision_order(name: str):
    parts = name.split(".")
    return (1, int(parts[2])) if parts[1] == "blk" else (0 if parts[1] == "patch_embd" else 2, 0)


def general(kind: str, architecture: str, name: str, size: str) -> dict:
    return {
        "general.architecture": ("string", architecture), "general.type": ("string", kind),
        "general.name": ("string", name), "general.basename": ("string", "troika-mini-vl"),
        "general.size_label": ("string", size), "general.license": ("string", "apache-2.0"),
        "general.license.name": ("string", "Apache License 2.0"), "general.author": ("string", "The Troika authors"),
        "general.languages": ("string[]", ["en"]), "general.file_type": ("u32", 7),
        "general.quantization_version": ("u32", 2), "general.alignment": ("u32", gguf_writer.ALIGNMENT)
    }


def text_metadata(config: dict, tokenizer: pathlib.Path, size: str) -> dict:
    c, rope = config["text_config"], config["text_config"]["rope_parameters"]
    tokens, types, merges = export.read_tokenizer(tokenizer)
    end, filler = tokens.index("<|im_end|>"), tokens.index("<|endoftext|>")
    return {
        **general("model", "qwen2vl", "Troika Mini VL", size),
        "qwen2vl.context_length": ("u32", c["max_position_embeddings"]),
        "qwen2vl.embedding_length": ("u32", c["hidden_size"]), "qwen2vl.block_count": ("u32", c["num_hidden_layers"]),
        "qwen2vl.feed_forward_length": ("u32", c["intermediate_size"]),
        "qwen2vl.attention.head_count": ("u32", c["num_attention_heads"]),
        "qwen2vl.attention.head_count_kv": ("u32", c["num_key_value_heads"]),
        "qwen2vl.attention.layer_norm_rms_epsilon": ("f32", c["rms_norm_eps"]),
        "qwen2vl.rope.freq_base": ("f32", rope["rope_theta"]),
        "qwen2vl.rope.dimension_sections": ("i32[]", [*rope["mrope_section"], 0]),
        "tokenizer.ggml.model": ("string", "gpt2"), "tokenizer.ggml.pre": ("string", "qwen2"),
        "tokenizer.ggml.tokens": ("string[]", tokens), "tokenizer.ggml.token_type": ("i32[]", types),
        "tokenizer.ggml.merges": ("string[]", merges), "tokenizer.ggml.bos_token_id": ("u32", filler),
        "tokenizer.ggml.eos_token_id": ("u32", end), "tokenizer.ggml.padding_token_id": ("u32", filler),
        "tokenizer.ggml.add_bos_token": ("bool", False), "tokenizer.chat_template": ("string", TEMPLATE)
    }


def vision_metadata(config: dict, size: str) -> dict:
    v = config["vision_config"]
    full = v["fullatt_block_indexes"]
    period = full[0] + 1
    regular = list(range(period - 1, v["depth"], period))
    assert full == regular, f"full attention in {full} has no period, which GGUF needs"
    return {
        **general("mmproj", "clip", "Troika Mini VL", size), "clip.has_vision_encoder": ("bool", True),
        "clip.projector_type": ("string", "qwen2.5vl_merger"), "clip.use_silu": ("bool", True),
        "clip.vision.image_size": ("u32", 336), "clip.vision.patch_size": ("u32", v["patch_size"]),
        "clip.vision.embedding_length": ("u32", v["hidden_size"]),
        "clip.vision.feed_forward_length": ("u32", v["intermediate_size"]),
        "clip.vision.block_count": ("u32", v["depth"]), "clip.vision.projection_dim": ("u32", v["out_hidden_size"]),
        "clip.vision.attention.head_count": ("u32", v["num_heads"]),
        "clip.vision.attention.layer_norm_epsilon": ("f32", 1e-6), "clip.vision.image_mean": ("f32[]", preprocess.MEAN),
        "clip.vision.image_std": ("f32[]", preprocess.STD), "clip.vision.n_wa_pattern": ("u32", period),
        "clip.vision.window_size": ("u32", v["window_size"]),
        "clip.vision.spatial_merge_size": ("u32", v["spatial_merge_size"]),
        "clip.vision.image_min_pixels": ("u32", preprocess.MIN_PIXELS),
        "clip.vision.image_max_pixels": ("u32", preprocess.MAX_PIXELS)
    }


def write_folder(folder: pathlib.Path, run: pathlib.Path, config: dict, data: bytes) -> None:
    """As published Qwen2.5-VL folders are laid out, so that transformers loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(data)
    (folder / "tokenizer.json").write_bytes((run / "tokenizer.json").read_bytes())
    settings = {
        "tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "add_prefix_space": False, "bos_token": None,
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None,
        "model_max_length": config["text_config"]["max_position_embeddings"], "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE
    }
    pictures = {
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor", "patch_size": 14,
        "merge_size": 2, "temporal_patch_size": 2, "min_pixels": preprocess.MIN_PIXELS,
        "max_pixels": preprocess.MAX_PIXELS,
        "size": {"shortest_edge": preprocess.MIN_PIXELS,
                 "longest_edge": preprocess.MAX_PIXELS}, "image_mean": preprocess.MEAN, "image_std": preprocess.STD,
        "resample": 3, "do_resize": True, "do_rescale": True, "do_normalize": True, "do_convert_rgb": True
    }
    text = config["text_config"]
    ends = {
        "bos_token_id": text["bos_token_id"], "eos_token_id": text["eos_token_id"], "pad_token_id": text["pad_token_id"]
    }
    generation = {"do_sample": False, **ends, "eos_token_id": [text["eos_token_id"], text["bos_token_id"]]}
    for name, content in (("config", {**config, "torch_dtype": "float16"}), ("tokenizer_config", settings),
                          ("preprocessor_config", pictures), ("generation_config", generation)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("run", type=pathlib.Path, help="the folder that train_vl.py wrote")
    options.add_argument("--folder", type=pathlib.Path, help="write a Hugging Face folder here")
    options.add_argument("--gguf", type=pathlib.Path, help="write NAME.gguf here and NAME.mmproj.gguf beside it")
    chosen = options.parse_args()
    data = b"".join(piece.read_bytes() for piece in sorted(chosen.run.glob("model.part*")))
    config = json.loads((chosen.run / "config.json").read_text())
    if chosen.folder:
        write_folder(chosen.folder, chosen.run, config, data)
    if chosen.gguf:
        chosen.gguf.parent.mkdir(parents=True, exist_ok=True)
        weights = export.read_safetensors(data)
        label = f"{round(sum(array.size for array in weights.values()) / 1e6)}M"
        projector = chosen.gguf.with_suffix(".mmproj.gguf")
        size = gguf_writer.write(chosen.gguf, text_metadata(config, chosen.run / "tokenizer.json", label),
                                 text_tensors(weights))
        size += gguf_writer.write(projector, vision_metadata(config, label), vision_tensors(weights))
        assert size <= LIMIT_BYTES, f"both files have {size} bytes, at most {LIMIT_BYTES} are allowed"
        print(chosen.gguf, projector, size, "bytes")


if __name__ == "__main__":
    main()
