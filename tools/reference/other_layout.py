"""A model folder written the other way round: its config in the other dialect, its tensors under the other prefixes.

Published multimodal files and those that later libraries write differ in both. Nothing but names changes, so the
goldens hold as they are. Standard library only.
"""
import json
import pathlib
import shutil
import struct

from models import other_dialect

# What a multimodal file's names begin with, as published and as saved again by transformers 4.52 and later. Gemma 3n's
# text class has the first form, its published multimodal files the second.
PREFIXES = {
    "qwen2_5_vl": (("model.", "model.language_model."), ("visual.", "model.visual.")),
    "gemma3": (("language_model.model.", "model.language_model."), ("language_model.lm_head.", "lm_head."),
               ("vision_tower.", "model.vision_tower."), ("multi_modal_projector.", "model.multi_modal_projector.")),
    "gemma3n_text": (("model.", "model.language_model."),),
}

# Tensors that a text engine finds beside Gemma 3n's own: [2, 2] of float32 zeros each.
TOWERS = {"gemma3n_text": ("model.vision_tower.timm_model.conv_stem.conv.weight", "model.embed_vision.embedding.weight",
                           "model.audio_tower.conformer.0.norm.weight")}


def renamed(name, model_type):
    for old, new in PREFIXES.get(model_type, ()):
        if name.startswith(old):
            return new + name[len(old):]
    return name


def rewrite_tensors(source, target, model_type):
    """Copies a safetensors file under other names: only its header, JSON after a 64-bit length, changes."""
    data = source.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    header = {name if name == "__metadata__" else renamed(name, model_type): entry for name, entry in header.items()}
    for name in TOWERS.get(model_type, ()):
        header[name] = {"dtype": "F32", "shape": [2, 2], "data_offsets": [len(body), len(body) + 16]}
        body += bytes(16)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + body)


def multimodal_gemma3n(config):
    """Gemma 3n's text settings inside a published config with its two towers."""
    return {"architectures": ["Gemma3nForConditionalGeneration"], "model_type": "gemma3n", "text_config": config,
            "torch_dtype": config["torch_dtype"], "eos_token_id": config["eos_token_id"],
            "vision_config": {"model_type": "gemma3n_vision", "hidden_size": 2048, "vocab_offset": 100000},
            "audio_config": {"model_type": "gemma3n_audio", "hidden_size": 1536, "vocab_offset": 100128}}


def write(source, target):
    """The model of folder `source` in the new folder `target`."""
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True)
    config = json.loads((source / "config.json").read_text())
    family = config["model_type"]
    other = multimodal_gemma3n(config) if family == "gemma3n_text" else other_dialect(config)
    (target / "config.json").write_text(json.dumps(other, indent=2) + "\n")
    for file in source.iterdir():
        if file.suffix == ".safetensors":
            rewrite_tensors(file, target / file.name, family)
        elif file.name in ("generation_config.json", "preprocessor_config.json", "model.safetensors.index.json"):
            shutil.copyfile(file, target / file.name)
