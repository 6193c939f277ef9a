"""Writes a Hugging Face state dict as GGUF through the gguf package: keys from the config, a stub tokenizer."""
import gguf
import torch

TYPES = {"f32": (gguf.LlamaFileType.ALL_F32, torch.float32), "f16": (gguf.LlamaFileType.MOSTLY_F16, torch.float16)}


def byte_alphabet():
    """GPT-2's printable stand-in for every byte value, in byte order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(spare)) for b in range(256)]


def stub_tokenizer(writer, vocab, eos):
    """The 256 bytes, merges of two letters, three control tokens last: `vocab` tokens in all."""
    controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = "etaoinshrdlu"
    pairs = [(a, b) for a in letters for b in letters][:vocab - 256 - len(controls)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(byte_alphabet() + [a + b for a, b in pairs] + controls)
    writer.add_token_types([gguf.TokenType.NORMAL] * (vocab - 3) + [gguf.TokenType.CONTROL] * 3)
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(vocab - 3)
    writer.add_eos_token_id(eos)
    writer.add_add_bos_token(False)


def write(path, kind, config, state):
    file_type, matrix_type = TYPES[kind]
    arch = config.model_type
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(path.name.rsplit(".", 2)[0])
    writer.add_file_type(file_type)
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
    rope = config.rope_parameters
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    eos = config.eos_token_id
    stub_tokenizer(writer, config.vocab_size, eos[0] if isinstance(eos, list) else eos)

    arch_id = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == arch)
    names = gguf.get_tensor_name_map(arch_id, config.num_hidden_layers)
    for name, tensor in state.items():
        t = tensor.to(matrix_type if tensor.dim() > 1 else torch.float32)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), t.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
