// The families we know, one row each.
#include <fmt/ranges.h>

#include <vector>

#include "base/error.h"
#include "models/architecture.h"
#include "models/qwen2.h"

namespace troika::models {
namespace {

const Architecture* const kFamilies[] = {&kQwen2};

}  // namespace

const Architecture& architecture_of(const files::ModelFile& file) {
  bool gguf = file.kind() == files::FileKind::gguf;
  const char* key = gguf ? "general.architecture" : "model_type";
  auto wanted = file.metadata().text(key);
  if (!wanted) fail("{}: the key {} is missing; is this a language model?", file.path().string(), key);
  std::vector<std::string_view> known;
  for (const Architecture* family : kFamilies) {
    known.push_back(gguf ? family->family : family->hf_type);
    if (*wanted == known.back()) return *family;
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
