#include "engine/file_facts.h"

#include <algorithm>
#include <map>

#include "engine/model_info.h"
#include "engine/weights.h"

namespace troika::engine {

FileFacts read_facts(const std::filesystem::path& path, const EngineOptions& options) {
  const auto file = files::ModelFile::open(path);
  const models::Architecture& architecture = models::architecture_of(*file);
  const models::ModelSpec spec = architecture.read(*file);
  FileFacts facts{.info = file_info(*file, spec),
                  .tokenizer = read_tokenizer(*file),
                  .sees = has_tower(*file, spec, options.mmproj)};
  std::map<std::string_view, size_t> bytes_by_format;
  const ops::Program whole = models::trace(architecture, spec, 1, 1);
  for (const auto& [view, name] : find_weights(*file, architecture.names, spec.head_dim, whole)) {
    facts.info.parameters += view.shape.values();
    facts.info.weight_bytes += view.bytes.size();
    bytes_by_format[troika::info(view.format).name] += view.bytes.size();
  }
  const auto main = std::ranges::max_element(bytes_by_format, {}, [](const auto& row) { return row.second; });
  if (main != bytes_by_format.end()) facts.info.quantisation = main->first;
  return facts;
}

}  // namespace troika::engine
