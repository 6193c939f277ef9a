"""Writes the image tower and projector of a multimodal state dict as llama.cpp's mmproj GGUF file."""
import gguf
import torch

from write_gguf import TYPES, add_tensor, save

# Tensors that the converter keeps in F32 although they are matrices.
PRECISE = {"gemma3": ("position_embd", "patch_embd"), "qwen2_5_vl": ()}


def qwen_tensors(state):
    """The fused matrices cut in three, and the two time slices of the patch convolution by themselves."""
    for name, w in state.items():
        if not name.startswith("visual."):
            continue
        if ".qkv." in name:
            for part, rows in zip("qkv", w.chunk(3)):
                yield name.replace("qkv", part), rows
        elif name.endswith("patch_embed.proj.weight"):
            yield name, w[:, :, 0]
            yield name + ".1", w[:, :, 1]
        else:
            yield name, w


def gemma_tensors(state):
    for name, w in state.items():
        if name.startswith(("vision_tower.", "multi_modal_projector.")):
            name = name.replace("_projection_weight", "_projection.weight")
            yield name, w + 1 if name.endswith("soft_emb_norm.weight") else w


def qwen_keys(writer, vision, text, preprocessor):
    writer.add_clip_projector_type(gguf.VisionProjectorType.QWEN25VL)
    writer.add_vision_use_silu(True)
    writer.add_vision_n_wa_pattern(vision.fullatt_block_indexes[0] + 1)
    writer.add_vision_attention_layernorm_eps(text.rms_norm_eps)
    writer.add_vision_head_count(vision.num_heads)
    writer.add_vision_block_count(vision.depth)
    writer.add_vision_image_size(560)
    # Published files leave these to the reader; here they are small, and so must be said.
    writer.add_vision_min_pixels(preprocessor["min_pixels"])
    writer.add_vision_max_pixels(preprocessor["max_pixels"])


def gemma_keys(writer, vision, text, preprocessor):
    writer.add_clip_projector_type(gguf.VisionProjectorType.GEMMA3)
    writer.add_vision_use_gelu(True)
    writer.add_vision_attention_layernorm_eps(vision.layer_norm_eps)
    writer.add_vision_head_count(vision.num_attention_heads)
    writer.add_vision_block_count(vision.num_hidden_layers)
    writer.add_vision_image_size(vision.image_size)
    side = int(preprocessor["image_seq_length"] ** 0.5)
    writer.add_vision_projector_scale_factor(vision.image_size // vision.patch_size // side)


def write(path, kind, config, state, preprocessor):
    file_type, matrix_type = TYPES[kind]
    vision, text, family = config.vision_config, config.get_text_config(), config.model_type
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name(path.name.split(".mmproj")[0])
    writer.add_file_type(file_type)
    writer.add_clip_has_vision_encoder(True)
    writer.add_vision_projection_dim(text.hidden_size)
    writer.add_vision_embedding_length(vision.hidden_size)
    writer.add_vision_feed_forward_length(vision.intermediate_size)
    writer.add_vision_patch_size(vision.patch_size)
    writer.add_vision_image_mean(preprocessor["image_mean"])
    writer.add_vision_image_std(preprocessor["image_std"])
    keys, tensors = {"qwen2_5_vl": (qwen_keys, qwen_tensors), "gemma3": (gemma_keys, gemma_tensors)}[family]
    keys(writer, vision, text, preprocessor)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, 16)
    for name, w in tensors(state):
        known = names.get_name(name, try_suffixes=(".weight.1", ".weight", ".bias"))
        assert known, f"GGUF has no name for {name}"
        precise = any(p in known for p in PRECISE[family])
        add_tensor(writer, known, w, torch.float32 if precise else matrix_type)
    save(writer)
