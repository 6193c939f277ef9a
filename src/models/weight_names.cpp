#include "models/weight_names.h"

#include <fmt/format.h>

#include "base/error.h"

namespace troika::models {

std::string translate(std::string_view ours, files::FileKind kind, std::span<const WeightName> table) {
  bool gguf = kind == files::FileKind::gguf;
  std::string prefix;
  std::string_view rest = ours;
  if (rest.starts_with("layer.")) {
    size_t end = rest.find('.', 6);
    prefix = fmt::format("{}{}.", gguf ? "blk." : "model.layers.", rest.substr(6, end - 6));
    rest.remove_prefix(end + 1);
  }
  size_t dot = rest.rfind('.');  // before "weight" or "bias"
  for (const WeightName& row : table) {
    if (row.ours == rest.substr(0, dot)) return prefix + std::string(gguf ? row.gguf : row.hf) + std::string(rest.substr(dot));
  }
  check(false, fmt::format("weight {} has a row in the family's table of names", ours));
  return {};
}

}  // namespace troika::models
