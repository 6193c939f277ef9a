// Qwen2.5-VL's tower (Bai et al. 2025, arXiv:2502.13923): pictures of about their own size, RoPE by row and column,
// attention within windows and now and then over the whole frame, each 2 x 2 patches merged into one feature.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "models/fields.h"
#include "models/tower.h"

namespace troika::models {
namespace {

using enum Adjust;
using Bias = ops::Builder::Bias;

constexpr int kFrames = 2;  // in a patch; each has a slice of the patch kernel
constexpr double kRopeTheta = 10000;

constexpr auto rows(std::string_view up, std::string_view down) {
  return std::array{
      WeightName{"patch.0", "v.patch_embd", "visual.patch_embed.proj[:0]", flatten},
      WeightName{"patch.1", "v.patch_embd.weight.1$", "visual.patch_embed.proj[:1]", flatten},
      WeightName{"attn_norm", "ln1", "norm1"},
      WeightName{"attn.q", "attn_q", "attn.qkv[0/3]"},
      WeightName{"attn.k", "attn_k", "attn.qkv[1/3]"},
      WeightName{"attn.v", "attn_v", "attn.qkv[2/3]"},
      WeightName{"attn.out", "attn_out", "attn.proj"},
      WeightName{"mlp_norm", "ln2", "norm2"},
      WeightName{"mlp.gate", "ffn_gate", "mlp.gate_proj"},
      WeightName{"mlp.up", up, "mlp.up_proj"},
      WeightName{"mlp.down", down, "mlp.down_proj"},
      WeightName{"merger_norm", "v.post_ln", "visual.merger.ln_q"},
      WeightName{"merger.in", "mm.0", "visual.merger.mlp.0"},
      WeightName{"merger.out", "mm.2", "visual.merger.mlp.2"},
  };
}
constexpr auto kRows = rows("ffn_up", "ffn_down"), kOldRows = rows("ffn_down", "ffn_up");

// D/4 frequencies for the row, then the same for the column.
std::shared_ptr<const ops::RopeTable> row_and_column_rope(int head_dim) {
  auto table = std::make_shared<ops::RopeTable>();
  int each = head_dim / 4;
  for (uint8_t axis : {1, 2}) {
    for (int i = 0; i < each; ++i) {
      float exponent = static_cast<float>(2 * i) / static_cast<float>(2 * each);
      table->inverse_frequency.push_back(1.0f / std::pow(static_cast<float>(kRopeTheta), exponent));
      table->axis.push_back(axis);
    }
  }
  return table;
}

// Layers that see the whole frame: listed, or each `period`-th.
std::vector<ops::SpanKind> read_spans(const Fields& f, int layers) {
  std::vector<ops::SpanKind> spans(layers, ops::SpanKind::window);
  std::string key = f.key({"vision.wa_layer_indexes", "vision_config.fullatt_block_indexes"});
  auto listed = f.metadata().integers(key);
  for (int64_t layer : listed) {
    if (layer >= 0 && layer < layers) spans[size_t(layer)] = ops::SpanKind::frame;
  }
  if (!listed.empty() || f.metadata().has(key)) return spans;
  int period = f.optional({"vision.n_wa_pattern", ""}, 8, 1, 1 << 20);
  for (int i = period - 1; i < layers; i += period) spans[size_t(i)] = ops::SpanKind::frame;
  return spans;
}

TowerSpec read(const files::ModelFile& file) {
  Fields f(file);
  std::string path = file.path().string();
  TowerSpec s;
  s.layers = f.optional({"vision.block_count", "vision_config.depth"}, 32, 1, 1024);
  s.width = f.required({"vision.embedding_length", "vision_config.hidden_size"}, 1, 1 << 16);
  s.heads = f.optional({"vision.attention.head_count", "vision_config.num_heads"}, 16, 1, 1024);
  s.mlp_width = f.optional({"vision.feed_forward_length", "vision_config.intermediate_size"}, 3420, 1, 1 << 20);
  s.text_width = f.required({"vision.projection_dim", "vision_config.out_hidden_size"}, 1, 1 << 17);
  s.norm_epsilon = static_cast<float>(f.number({"vision.attention.layer_norm_epsilon", ""}, 1e-6, 0, 1));
  s.head_dim = s.width / s.heads;
  if (s.width % s.heads != 0 || s.head_dim % 4 != 0) {
    fail("{}: {} heads do not fit a vision tower {} wide", path, s.heads, s.width);
  }
  s.rope = row_and_column_rope(s.head_dim);
  s.spans = read_spans(f, s.layers);
  s.tokens_per_second = f.number({"", "vision_config.tokens_per_second"}, 2);
  vision::ProcessorSpec p{.rule = vision::ResizeRule::smart,
                          .filter = vision::Filter::bicubic,
                          .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                          .deviation = {0.26862954f, 0.26130258f, 0.27577711f}};
  p.patch = f.optional({"vision.patch_size", "vision_config.patch_size"}, 14, 1, 256);
  p.merge = f.optional({"vision.spatial_merge_size", "vision_config.spatial_merge_size"}, 2, 1, 16);
  p.temporal = f.optional({"", "vision_config.temporal_patch_size"}, kFrames, 1, 16);
  s.processor = read_processor(file, p);
  if (s.processor.temporal != kFrames) {
    fail("{}: patches of {} frames are not supported, only of {}", path, s.processor.temporal, kFrames);
  }
  int pixels = f.optional({"vision.window_size", "vision_config.window_size"}, 112, 1, 1 << 16);
  s.window = pixels / s.processor.patch / s.processor.merge;
  if (s.window < 1) fail("{}: windows of {} pixels hold no merged patch", path, pixels);
  return s;
}

ops::Tensor attention(const TowerSpec& s, ops::Builder& b, ops::Tensor x, int layer) {
  ops::Tensor q = b.rope(b.linear(x, "attn.q", s.width, Bias::yes), s.heads, s.rope);  // [T, H·D]
  ops::Tensor k = b.rope(b.linear(x, "attn.k", s.width, Bias::yes), s.heads, s.rope);
  ops::Tensor v = b.linear(x, "attn.v", s.width, Bias::yes);
  float scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  ops::Tensor mixed = b.attend_spans(q, k, v, {s.heads, s.heads, scale, s.spans[size_t(layer)]});
  return b.linear(mixed, "attn.out", s.width, Bias::yes);
}

ops::Tensor build(const TowerSpec& s, ops::Builder& b) {
  ops::Tensor patches = b.features(s.patch_values());  // [T, 2·3·14·14], the first frame's values before the second's
  int frame = s.patch_values() / kFrames;
  ops::Tensor x = b.add(b.linear(b.slice(patches, 0, frame), "patch.0", s.width),
                        b.linear(b.slice(patches, frame, frame), "patch.1", s.width));  // [T, E]
  for (int i = 0; i < s.layers; ++i) {
    auto layer = b.scope(fmt::format("layer.{}", i));
    x = b.add(x, attention(s, b, b.rms_norm(x, "attn_norm", s.norm_epsilon), i));
    ops::Tensor h = b.rms_norm(x, "mlp_norm", s.norm_epsilon);
    ops::Tensor gate = b.linear(h, "mlp.gate", s.mlp_width, Bias::yes);  // [T, F]
    ops::Tensor up = b.linear(h, "mlp.up", s.mlp_width, Bias::yes);
    x = b.add(x, b.linear(b.gated(ops::Activation::silu, gate, up), "mlp.down", s.width, Bias::yes));
  }
  x = b.join_rows(b.rms_norm(x, "merger_norm", s.norm_epsilon));  // [O, 4·E]
  x = b.act(ops::Activation::gelu_erf, b.linear(x, "merger.in", s.width * s.merged(), Bias::yes));
  return b.linear(x, "merger.out", s.text_width, Bias::yes);  // [O, E of the text]
}

Arrangement arrange(const TowerSpec& s, int rows, int columns) {
  return arrange_in_windows(rows, columns, s.processor.merge, s.window);
}

constexpr std::string_view kTypes[] = {"qwen2_5_vl"};

}  // namespace

extern const Tower kQwen2Vision;
const Tower kQwen2Vision{"qwen2vl", "qwen2.5vl_merger", kTypes, {kRows, "v.blk.", "visual.blocks."},
                         {kOldRows, "v.blk.", "visual.blocks."}, {}, read, build, arrange};

}  // namespace troika::models
