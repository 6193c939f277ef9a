"""Qwen2.5-VL in plain PyTorch on flat batches (batches.py): the same weights and arithmetic as transformers' model.

One idea: attention over pieces of a flat row is one call of flash attention with the pieces' boundaries, for windows,
whole pictures and chats alike; off the GPU a mask does the same. Names are transformers', so weights move freely.
"""

import torch
import torch.nn.functional as F
from torch import nn

from vl.preprocess import MEAN, PATCH, STD

EPSILON = 1e-6


class Norm(nn.Module):

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPSILON)
        return (self.weight * y).to(x.dtype)


def attend(q, k, v, ends, longest: int, causal: bool):
    """q [N, H, D], k and v [N, G, D]; `ends` [pieces + 1]: where each piece of the row begins and the last one ends."""
    if q.is_cuda:
        return torch.ops.aten._flash_attention_forward(q.bfloat16(), k.bfloat16(), v.bfloat16(), ends, ends, longest,
                                                       longest, 0.0, causal, False)[0]
    number = torch.searchsorted(ends, torch.arange(len(q), dtype=ends.dtype), right=True)
    mask = number[:, None] == number[None]
    if causal:
        mask = mask.tril()
    out = F.scaled_dot_product_attention(q.transpose(0, 1),
                                         k.transpose(0, 1),
                                         v.transpose(0, 1),
                                         attn_mask=mask,
                                         enable_gqa=True)
    return out.transpose(0, 1)


def rotate(x, cos, sin):
    """Half-split rotation. x [N, H, D], cos and sin [N, 1, D]."""
    half = x.shape[-1] // 2
    x = x.float()
    return (x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin)


class Gated(nn.Module):

    def __init__(self, width: int, inner: int, bias: bool):
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(width, inner, bias), nn.Linear(width, inner, bias)
        self.down_proj = nn.Linear(inner, width, bias)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class VisionAttention(nn.Module):

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, cos, sin, ends, longest: int):
        q, k, v = self.qkv(x).view(len(x), 3, self.heads, -1).unbind(1)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        return self.proj(attend(q, k, v, ends, longest, False).reshape(len(x), -1))


class VisionBlock(nn.Module):

    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.attn, self.mlp = VisionAttention(width, heads), Gated(width, inner, True)

    def forward(self, x, *where):
        x = x + self.attn(self.norm1(x), *where)
        return x + self.mlp(self.norm2(x))


class Merger(nn.Module):

    def __init__(self, width: int, out: int):
        super().__init__()
        self.ln_q = Norm(width)
        self.mlp = nn.Sequential(nn.Linear(4 * width, 4 * width), nn.GELU(), nn.Linear(4 * width, out))

    def forward(self, x):
        return self.mlp(self.ln_q(x).view(-1, 4 * x.shape[-1]))


class PatchEmbed(nn.Module):

    def __init__(self, width: int):
        super().__init__()
        self.proj = nn.Conv3d(3, width, (2, PATCH, PATCH), (2, PATCH, PATCH), bias=False)

    def forward(self, patches):
        """A still picture is its own second frame, so the two time slices add up."""
        return F.linear(patches, self.proj.weight.sum(2).flatten(1))


class Tower(nn.Module):

    def __init__(self, c: dict):
        super().__init__()
        self.heads, self.full = c["num_heads"], set(c["fullatt_block_indexes"])
        self.head_width = c["hidden_size"] // c["num_heads"]
        self.patch_embed = PatchEmbed(c["hidden_size"])
        self.blocks = nn.ModuleList(
            VisionBlock(c["hidden_size"], c["num_heads"], c["intermediate_size"]) for _ in range(c["depth"]))
        self.merger = Merger(c["hidden_size"], c["out_hidden_size"])
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1) * 255, persistent=False)

    def forward(self, patches, places, window_ends, picture_ends):
        """patches [P, 588] bytes, places [P, 2] (row, column) -> [P/4, out]."""
        x = ((patches.view(len(patches), 3, -1).float() - self.mean) / self.std).flatten(1)
        x = self.patch_embed(x).float()  # the residual stays in single precision
        quarter = self.head_width // 4
        frequency = 10000.0**(-torch.arange(quarter, device=x.device) / quarter)
        angle = (places[:, :, None].float() * frequency).flatten(1)  # [P, head_width/2]: row angles, then column angles
        angle = torch.cat((angle, angle), -1)[:, None]
        cos, sin = angle.cos(), angle.sin()
        for i, block in enumerate(self.blocks):
            x = block(x, cos, sin, *((picture_ends, 640) if i in self.full else (window_ends, 64)))
        return self.merger(x)


class Attention(nn.Module):

    def __init__(self, c: dict):
        super().__init__()
        width, self.heads, self.groups = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
        self.d = width // self.heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, self.groups * self.d)
        self.v_proj, self.o_proj = nn.Linear(width, self.groups * self.d), nn.Linear(width, width, bias=False)

    def forward(self, x, cos, sin, ends):
        q, k = self.q_proj(x).view(-1, self.heads, self.d), self.k_proj(x).view(-1, self.groups, self.d)
        v = self.v_proj(x).view(-1, self.groups, self.d)
        q, k = rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype)
        return self.o_proj(attend(q, k, v, ends, 640, True).reshape(len(x), -1))


class Layer(nn.Module):

    def __init__(self, c: dict):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(c["hidden_size"]), Norm(c["hidden_size"])
        self.self_attn, self.mlp = Attention(c), Gated(c["hidden_size"], c["intermediate_size"], False)

    def forward(self, x, *where):
        x = x + self.self_attn(self.input_layernorm(x), *where)
        return x + self.mlp(self.post_attention_layernorm(x))


class Language(nn.Module):

    def __init__(self, c: dict):
        super().__init__()
        self.base, self.sections = c["rope_parameters"]["rope_theta"], c["rope_parameters"]["mrope_section"]
        self.d = c["hidden_size"] // c["num_attention_heads"]
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = Norm(c["hidden_size"])

    def forward(self, x, positions, ends):
        half = self.d // 2
        frequency = self.base**(-torch.arange(half, device=x.device) / half)
        axis = torch.repeat_interleave(torch.arange(3, device=x.device),
                                       torch.tensor(self.sections, device=x.device),
                                       output_size=half)
        angle = positions[axis].T.float() * frequency  # [T, D/2]: every frequency turns by its own axis
        angle = torch.cat((angle, angle), -1)[:, None]
        cos, sin = angle.cos(), angle.sin()
        for layer in self.layers:
            x = layer(x, cos, sin, ends)
        return self.norm(x)


class Network(nn.Module):

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        self.visual, self.language_model = Tower(config["vision_config"]), Language(config["text_config"])
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("o_proj.weight", "down_proj.weight", "attn.proj.weight"))  # adds to the residual
                nn.init.normal_(weight, std=0.005 if last else 0.03)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, b: dict):
        """Logits [labels, V] at the places where an answer's tokens are due."""
        seen = self.visual(b["patches"], b["places"], b["window_ends"], b["picture_ends"])
        x = self.language_model.embed_tokens(b["tokens"])
        x = x.index_copy(0, b["cell_tokens"].long(), seen.to(x.dtype))
        x = self.language_model(x, b["positions"], b["chat_ends"])
        return F.linear(x[b["label_places"].long()], self.language_model.embed_tokens.weight)


def configuration(c, vocabulary: int, ids: dict[str, int]) -> dict:
    """As transformers' Qwen2_5_VLConfig takes it. `c`: the trainer's options."""
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "tie_word_embeddings": True,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "text_config": {
            "model_type": "qwen2_5_vl_text", "vocab_size": vocabulary, "hidden_size": c.hidden,
            "intermediate_size": c.ffn, "num_hidden_layers": c.layers, "num_attention_heads": c.heads,
            "num_key_value_heads": c.kv_heads, "hidden_act": "silu", "max_position_embeddings": 2048,
            "rms_norm_eps": EPSILON, "tie_word_embeddings": True, "use_sliding_window": False,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                "mrope_section": [8, 12, 12]}, "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"]
        },
        "vision_config": {
            "model_type": "qwen2_5_vl", "depth": c.tower_layers, "hidden_size": c.tower_hidden, "hidden_act": "silu",
            "intermediate_size": c.tower_ffn, "num_heads": c.tower_heads, "in_channels": 3, "patch_size": PATCH,
            "spatial_merge_size": 2, "temporal_patch_size": 2, "tokens_per_second": 2, "window_size": 112,
            "out_hidden_size": c.hidden, "fullatt_block_indexes": list(range(1, c.tower_layers, 2))
        },
    }
