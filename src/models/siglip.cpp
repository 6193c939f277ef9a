// SigLIP with Gemma 3's projector (Zhai et al. 2023, arXiv:2303.15343; Gemma Team 2025, arXiv:2503.19786): pictures
// of one fixed size, learned positions, attention over the whole picture, k x k patches averaged into one feature.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "models/fields.h"
#include "models/tower.h"

namespace troika::models {
namespace {

using enum Adjust;
using Bias = ops::Builder::Bias;

constexpr std::string_view kVisionLayers = "vision_tower.vision_model.encoder.layers.";

constexpr auto rows(std::string_view up, std::string_view down) {
  return std::array{
      WeightName{"patch.0", "v.patch_embd", "vision_tower.vision_model.embeddings.patch_embedding", flatten},
      WeightName{"positions", "v.position_embd", "vision_tower.vision_model.embeddings.position_embedding"},
      WeightName{"attn_norm", "ln1", "layer_norm1"},
      WeightName{"attn.q", "attn_q", "self_attn.q_proj"},
      WeightName{"attn.k", "attn_k", "self_attn.k_proj"},
      WeightName{"attn.v", "attn_v", "self_attn.v_proj"},
      WeightName{"attn.out", "attn_out", "self_attn.out_proj"},
      WeightName{"mlp_norm", "ln2", "layer_norm2"},
      WeightName{"mlp.up", up, "mlp.fc1"},
      WeightName{"mlp.down", down, "mlp.fc2"},
      WeightName{"norm", "v.post_ln", "vision_tower.vision_model.post_layernorm"},
      WeightName{"projector_norm", "mm.soft_emb_norm", "multi_modal_projector.mm_soft_emb_norm", hf_plus_one},
      WeightName{"projector", "mm.input_projection", "multi_modal_projector.mm_input_projection_weight$", transpose},
  };
}
constexpr auto kRows = rows("ffn_up", "ffn_down"), kOldRows = rows("ffn_down", "ffn_up");

// The side of what is averaged into one token.
int read_merge(const Fields& f, int side) {
  if (f.gguf()) return f.optional({"vision.projector.scale_factor", ""}, 4, 1, 64);
  int tokens = f.metadata().integer("mm_tokens_per_image") ? f.required({"", "mm_tokens_per_image"}, 1, 1 << 16) : 256;
  int token_side = static_cast<int>(std::sqrt(double(tokens)));
  if (token_side * token_side != tokens || side % token_side != 0) {
    fail("{}: {} x {} patches do not make {} tokens", f.file().path().string(), side, side, tokens);
  }
  return side / token_side;
}

TowerSpec read(const files::ModelFile& file) {
  Fields f(file);
  std::string path = file.path().string();
  TowerSpec s;
  s.layers = f.optional({"vision.block_count", "vision_config.num_hidden_layers"}, 12, 1, 1024);
  s.width = f.required({"vision.embedding_length", "vision_config.hidden_size"}, 1, 1 << 16);
  s.heads = f.optional({"vision.attention.head_count", "vision_config.num_attention_heads"}, 12, 1, 1024);
  s.mlp_width = f.optional({"vision.feed_forward_length", "vision_config.intermediate_size"}, 3072, 1, 1 << 20);
  s.text_width = f.required({"vision.projection_dim", "hidden_size"}, 1, 1 << 17);
  s.norm_epsilon =
      static_cast<float>(f.number({"vision.attention.layer_norm_epsilon", "vision_config.layer_norm_eps"}, 1e-6, 0, 1));
  s.head_dim = s.width / s.heads;
  if (s.width % s.heads != 0) fail("{}: {} heads do not fit a vision tower {} wide", path, s.heads, s.width);
  s.spans.assign(size_t(s.layers), ops::SpanKind::frame);
  vision::ProcessorSpec p{.rule = vision::ResizeRule::fixed, .filter = vision::Filter::bilinear, .temporal = 1};
  p.patch = f.optional({"vision.patch_size", "vision_config.patch_size"}, 16, 1, 256);
  p.size = f.optional({"vision.image_size", "vision_config.image_size"}, 224, 1, 16384);
  p.merge = 1;
  int image = p.size, side = image / p.patch;
  s.positions = side * side;
  if (side < 1) fail("{}: no patch of {} pixels fits an image of {}", path, p.patch, image);
  p.merge = read_merge(f, side);
  s.processor = read_processor(file, p);
  s.processor.temporal = 1;
  s.processor.merge = p.merge;
  if (s.processor.size != image || s.processor.patch != p.patch || side % p.merge != 0) {
    fail("{}: the image processor makes pictures of {} pixels, but the tower reads {}", path, s.processor.size, image);
  }
  return s;
}

ops::Tensor attention(const TowerSpec& s, ops::Builder& b, ops::Tensor x, int layer) {
  ops::Tensor q = b.linear(x, "attn.q", s.width, Bias::yes);  // [T, H·D]
  ops::Tensor k = b.linear(x, "attn.k", s.width, Bias::yes);
  ops::Tensor v = b.linear(x, "attn.v", s.width, Bias::yes);
  float scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  ops::Tensor mixed = b.attend_spans(q, k, v, {s.heads, s.heads, scale, s.spans[size_t(layer)]});
  return b.linear(mixed, "attn.out", s.width, Bias::yes);
}

ops::Tensor build(const TowerSpec& s, ops::Builder& b) {
  ops::Tensor x = b.linear(b.features(s.patch_values()), "patch.0", s.width, Bias::yes);  // [T, E]
  x = b.add(x, b.embed("positions", s.positions, s.width));
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    x = b.add(x, attention(s, b, b.layer_norm(x, "attn_norm", s.norm_epsilon), i));
    ops::Tensor up = b.linear(b.layer_norm(x, "mlp_norm", s.norm_epsilon), "mlp.up", s.mlp_width, Bias::yes);  // [T, F]
    x = b.add(x, b.linear(b.act(ops::Activation::gelu_tanh, up), "mlp.down", s.width, Bias::yes));
  }
  x = b.mean_rows(b.layer_norm(x, "norm", s.norm_epsilon));  // [O, E]
  return b.linear(b.rms_norm(x, "projector_norm", s.norm_epsilon), "projector", s.text_width);  // [O, E of the text]
}

Arrangement arrange(const TowerSpec& s, int rows, int columns) {
  return arrange_in_windows(rows, columns, s.processor.merge, /*window=*/0);
}

constexpr std::string_view kTypes[] = {"gemma3"};
constexpr std::string_view kUnread[] = {"vision_tower.head.", "vision_model.head.", "embeddings.position_ids"};

}  // namespace

extern const Tower kSiglip;
const Tower kSiglip{"gemma3", "gemma3", kTypes, {kRows, "v.blk.", kVisionLayers}, {kOldRows, "v.blk.", kVisionLayers},
                    kUnread, read, build, arrange};

}  // namespace troika::models
