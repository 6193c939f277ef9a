#include "models/slices.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "files/json.h"
#include "models/gemma3n.h"

namespace troika::models {
namespace {

constexpr size_t kLongestSlice = 4096;  // characters: it may come from a client
constexpr int kFull = 16384, kHalf = 8192;

// Google's table of slices, huggingface.co/datasets/google/gemma3n-slicing-configs. Where it has two of one size,
// -layer and -block say which: widths chosen by layer, or by block of five layers.
constexpr PublishedSlice kPublished[] = {
    {"e4b", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
    {"e2b", "hhhhhhhhhhhhhhhhhhhh-----hhhhhhhhhh"},
    {"e1.96b", "hhhhFhhhhhhhhhhhhhhh-----hhhhhhhhhh"},
    {"e2.49b", "hhhhhhhhhhhhhhhhhhhhFFFFFhhhhhhhhhh"},
    {"e2.54b", "hhhhFhhhhhhhhhhhhhhhFFFFFhhhhhhhhhh"},
    {"e2.69b", "hhhhFhhhhFhhhhFhhhhFFFFFFhhhhhhhhhh"},
    {"e2.73b", "hhhhhhhhhhhhhhhFFFFFFFFFFhhhhhhhhhh"},
    {"e2.98b-layer", "hhhhhhhhhhhhhhhFFFFFFFFFFhhhhhFFFFF"},
    {"e2.98b-block", "hhhhhhhhhhFFFFFFFFFFFFFFFhhhhhhhhhh"},
    {"e3.18b", "hhhhFhhhhFFFFFFFFFFFFFFFFhhhhFhhhhF"},
    {"e3.24b", "hhhhhhhhhhFFFFFFFFFFFFFFFFFFFFhhhhh"},
    {"e3.39b", "hhhhFhhhhFFFFFFFFFFFFFFFFFFFFFhhhhF"},
    {"e3.49b", "hhhhhFFFFFFFFFFFFFFFFFFFFFFFFFhhhhh"},
    {"e3.59b", "hhhhFFFFFFFFFFFFFFFFFFFFFFFFFFhhhhF"},
    {"e3.79b-layer", "hhhhFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
    {"e3.79b-block", "hhhhhFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
};

void cut_to(Gemma3nSpec& g, const PublishedSlice& slice) {
  bool e4b = g.mlp_stored == std::vector<int>(slice.layers.size(), kFull);
  if (!e4b) fail("the slice {} is cut from Gemma 3n E4B (35 MLPs of {}), and this is another model", slice.name, kFull);
  for (size_t i = 0; i < slice.layers.size(); ++i) {
    g.skipped[i] = slice.layers[i] == '-';
    g.mlp_used[i] = slice.layers[i] == 'F' ? kFull : kHalf;
  }
}

void skip(Gemma3nSpec& g, std::span<const int64_t> layers) {
  for (int64_t layer : layers) {
    if (layer < 0 || layer >= int64_t(g.skipped.size())) {
      fail("the slice skips layer {}, but layers are numbered 0 to {}", layer, g.skipped.size() - 1);
    }
    g.skipped[size_t(layer)] = true;
  }
}

void narrow(Gemma3nSpec& g, std::span<const int64_t> widths) {
  size_t layers = g.skipped.size(), left = size_t(std::count(g.skipped.begin(), g.skipped.end(), false));
  if (widths.size() != 1 && widths.size() != layers && widths.size() != left) {
    fail("the slice has {} MLP widths; give one, {} for all layers or {} for those left", widths.size(), layers, left);
  }
  for (size_t i = 0, next = 0; i < layers; ++i) {
    if (g.skipped[i] && widths.size() != layers) continue;
    int64_t width = widths[widths.size() == 1 ? 0 : next++];
    if (width < 1 || width > g.mlp_stored[i]) {
      fail("the slice asks layer {} for an MLP of {}; the model has 1 to {}", i, width, g.mlp_stored[i]);
    }
    g.mlp_used[i] = static_cast<int>(width);
  }
}

void cut_to(Gemma3nSpec& g, std::string_view json) {
  files::Metadata slice;
  files::add_json(slice, json, "", "the slice");
  for (const auto& entry : slice.entries()) {
    if (entry.key != "skip" && entry.key != "ffn") fail("a slice has skip and ffn, but not {}", entry.key);
  }
  skip(g, slice.integers("skip"));
  if (slice.has("ffn")) narrow(g, slice.integers("ffn"));
}

void check_lenders(const ModelSpec& s) {
  const Gemma3nSpec& g = *s.gemma3n;
  if (std::count(g.skipped.begin(), g.skipped.end(), false) == 0) fail("the slice leaves no layer");
  for (int i = 0; i < s.layers; ++i) {
    int lender = key_layer(s, i);
    if (!g.skipped[i] && g.skipped[lender]) fail("the slice skips layer {}, whose keys layer {} looks at", lender, i);
  }
}

}  // namespace

std::span<const PublishedSlice> published_slices() { return kPublished; }

ModelSpec sliced(const ModelSpec& whole, std::string_view slice) {
  if (slice.empty()) return whole;
  if (!whole.gemma3n) fail("a {} model has no slices; Gemma 3n has", whole.family);
  if (slice.size() > kLongestSlice) fail("the slice is longer than {} characters", kLongestSlice);
  Gemma3nSpec g = *whole.gemma3n;
  auto named = std::find_if(std::begin(kPublished), std::end(kPublished), [&](auto& p) { return p.name == slice; });
  if (named != std::end(kPublished)) {
    cut_to(g, *named);
  } else if (slice.starts_with('{')) {
    cut_to(g, slice);
  } else {
    std::string names;
    for (const PublishedSlice& p : kPublished) names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
    fail("there is no slice '{}'; there are {}, and JSON such as {{\"skip\": [20], \"ffn\": 8192}}", slice, names);
  }
  ModelSpec cut = whole;
  cut.gemma3n = std::make_shared<Gemma3nSpec>(std::move(g));
  check_lenders(cut);
  return cut;
}

bool same_slice(const ModelSpec& a, const ModelSpec& b) {
  if (!a.gemma3n || !b.gemma3n) return true;
  return a.gemma3n->skipped == b.gemma3n->skipped && a.gemma3n->mlp_used == b.gemma3n->mlp_used;
}

}  // namespace troika::models
