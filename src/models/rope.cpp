#include "models/rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numbers>
#include <string>

#include "base/error.h"

namespace troika::models {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// A scaling's numbers stand under rope_scaling (older configs), rope_parameters (newer) or rope.scaling (GGUF).
struct Scaling {
  const Fields& fields;
  std::string section;

  double number(std::string_view gguf, std::string_view hf, double fallback) const {
    std::string hf_key = section + std::string(hf), gguf_key = "rope.scaling." + std::string(gguf);
    return fields.number({gguf_key, hf_key}, fallback);
  }
};

std::string scaling_section(const Fields& fields) {
  for (std::string section : {"rope_scaling.", "rope_parameters.", "rope_parameters.full_attention."}) {
    for (const char* key : {"rope_type", "type"}) {
      if (fields.text({"", section + key})) return section;
    }
  }
  return "rope_scaling.";
}

std::string scaling_type(const Fields& fields, const std::string& section) {
  if (fields.gguf()) return std::string(fields.text({"rope.scaling.type", ""}).value_or("none"));
  for (const char* key : {"rope_type", "type"}) {
    if (auto type = fields.text({"", section + key})) return std::string(*type);
  }
  return "none";
}

void scale_llama3(std::vector<float>& frequency, const Scaling& s, double factor, double original) {
  double low = s.number("low_freq_factor", "low_freq_factor", 1);
  double high = s.number("high_freq_factor", "high_freq_factor", 4);
  for (float& f : frequency) {
    double wavelength = kTwoPi / f;
    if (wavelength < original / high) continue;
    if (wavelength > original / low) {
      f = static_cast<float>(f / factor);
      continue;
    }
    double smooth = (original / wavelength - low) / (high - low);
    f = static_cast<float>((1 - smooth) * f / factor + smooth * f);
  }
}

// Blends interpolated (long wavelengths) with original frequencies (short ones) along a ramp over the pairs.
void scale_yarn(std::vector<float>& frequency, const Scaling& s, double factor, double original, double theta) {
  double dim = 2.0 * double(frequency.size());
  auto pair_of_rotations = [&](double rotations) {
    return dim * std::log(original / (rotations * kTwoPi)) / (2 * std::log(theta));
  };
  double low = pair_of_rotations(s.number("yarn_beta_fast", "beta_fast", 32));
  double high = pair_of_rotations(s.number("yarn_beta_slow", "beta_slow", 1));
  if (s.fields.flag(s.section + "truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequency.size(); ++i) {
    double ramp = std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
    double f = frequency[i];
    frequency[i] = static_cast<float>(f / factor * ramp + f * (1 - ramp));
  }
}

double yarn_amplitude(const Scaling& s, double factor) {
  double standard = factor > 1 ? 0.1 * std::log(factor) + 1 : 1;
  if (s.fields.gguf()) return standard * s.number("attn_factor", "", 1);
  return s.number("", "attention_factor", standard);
}

std::shared_ptr<ops::RopeTable> unscaled(const Fields& fields, int head_dim, double theta) {
  if (!(theta > 1) || !std::isfinite(theta)) {
    fail("{}: the RoPE base {} makes no sense", fields.file().path().string(), theta);
  }
  auto table = std::make_shared<ops::RopeTable>();
  table->base = theta;
  for (int i = 0; i < head_dim / 2; ++i) {
    float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    table->inverse_frequency.push_back(1.0f / std::pow(static_cast<float>(theta), exponent));
  }
  return table;
}

// The first of several spellings that the file has.
double theta_of(const Fields& fields, std::initializer_list<Field> spellings, double fallback) {
  for (Field field : spellings) {
    if (double theta = fields.number(field, 0); theta != 0) return theta;
  }
  return fallback;
}

// M-RoPE: how many pairs are turned by time, row and column, in this order.
std::vector<uint8_t> axes(const Fields& fields, const std::string& section, size_t pairs) {
  auto key = fields.key({"rope.dimension_sections", section + "mrope_section"});
  auto sections = fields.metadata().integers(key);
  std::vector<uint8_t> axes;
  for (size_t i = 0; i < sections.size(); ++i) {
    if (sections[i] < 0 || axes.size() + size_t(sections[i]) > pairs || (i >= ops::kRopeAxes && sections[i] > 0)) {
      fail("{}: {} does not fit {} pairs", fields.file().path().string(), key, pairs);
    }
    axes.insert(axes.end(), size_t(sections[i]), static_cast<uint8_t>(i));
  }
  if (!axes.empty() && axes.size() != pairs) fail("{}: {} does not fit {} pairs", fields.file().path().string(), key, pairs);
  return axes;
}

// GGUF files of Llama 3.1 and later hold the scaled frequencies' divisors instead of the scaling's numbers.
void divide_by_factors(const Fields& fields, std::vector<float>& frequency) {
  auto factors = fields.gguf() ? fields.file().find("rope_freqs.weight") : std::nullopt;
  if (!factors) return;
  if (factors->shape.values() != int64_t(frequency.size())) {
    fail("{}: rope_freqs.weight has {} factors for {} pairs", fields.file().path().string(), factors->shape.values(),
         frequency.size());
  }
  std::vector<float> divisor(frequency.size());
  info(factors->format).unpack(factors->bytes.data(), divisor);
  for (size_t i = 0; i < frequency.size(); ++i) frequency[i] /= divisor[i];
}

}  // namespace

std::shared_ptr<const ops::RopeTable> read_local_rope(const Fields& fields, int head_dim, double theta) {
  return unscaled(fields, head_dim,
                  theta_of(fields, {{"rope.freq_base_swa", "rope_local_base_freq"},
                                    {"rope.freq_base_swa", "rope_parameters.sliding_attention.rope_theta"}}, theta));
}

std::shared_ptr<const ops::RopeTable> read_rope(const Fields& fields, int head_dim, int context, double theta) {
  auto table = unscaled(fields, head_dim,
                        theta_of(fields, {{"rope.freq_base", "rope_theta"},
                                          {"rope.freq_base", "rope_parameters.rope_theta"},
                                          {"rope.freq_base", "rope_parameters.full_attention.rope_theta"}}, theta));
  Scaling scaling{fields, scaling_section(fields)};
  std::string type = scaling_type(fields, scaling.section);
  double factor = scaling.number("factor", "factor", 1);
  double original = scaling.number("original_context_length", "original_max_position_embeddings", context);
  if (!(factor >= 1) || !(original > 0)) {
    fail("{}: RoPE scaling by {} from a context of {} makes no sense", fields.file().path().string(), factor,
         original);
  }
  if (type == "yarn") {
    scale_yarn(table->inverse_frequency, scaling, factor, original, table->base);
    table->amplitude = static_cast<float>(yarn_amplitude(scaling, factor));
  } else if (type == "linear") {
    for (float& f : table->inverse_frequency) f = static_cast<float>(f / factor);
  } else if (type == "llama3") {
    scale_llama3(table->inverse_frequency, scaling, factor, original);
  } else if (type != "none" && type != "default" && type != "mrope") {
    fail("{}: RoPE scaling '{}' is not supported", fields.file().path().string(), type);
  }
  if (factor != 1) table->scaling = fmt::format("{} {:g}", type, factor);
  divide_by_factors(fields, table->inverse_frequency);
  table->axis = axes(fields, scaling.section, table->inverse_frequency.size());
  return table;
}

}  // namespace troika::models
