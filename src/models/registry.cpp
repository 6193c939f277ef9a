// The families we know, one row each.
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "models/families.h"

namespace troika::models {
namespace {

const Architecture* const kFamilies[] = {&kLlama, &kQwen2, &kQwen2Vl, &kQwen3, &kQwen3Moe, &kGemma2, &kGemma3, &kGemma3n};

}  // namespace

const Architecture& architecture_of(const files::ModelFile& file) {
  bool gguf = file.kind() == files::FileKind::gguf;
  const char* key = gguf ? "general.architecture" : "model_type";
  auto wanted = file.metadata().text(key);
  if (!wanted) fail("{}: the key {} is missing; is this a language model?", file.path().string(), key);
  if (gguf && *wanted == "clip") {
    fail("{} holds a vision tower only; give the language model's file, and this one by --mmproj", file.path().string());
  }
  std::vector<std::string_view> known;
  for (const Architecture* family : kFamilies) {
    std::span<const std::string_view> names = family->hf_types;
    if (gguf) names = {&family->family, 1};
    if (std::find(names.begin(), names.end(), *wanted) != names.end()) return *family;
    known.insert(known.end(), names.begin(), names.end());
  }
  fail("{}: architecture '{}' is not supported; supported: {}", file.path().string(), *wanted,
       fmt::join(known, ", "));
}

ops::Program trace(const Architecture& architecture, const ModelSpec& spec, int tokens, int outputs) {
  ops::Builder builder(tokens, outputs);
  ops::Tensor logits = architecture.build(spec, builder);
  return builder.finish(logits);
}

}  // namespace troika::models
