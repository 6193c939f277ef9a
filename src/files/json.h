// The JSON files of a safetensors folder, parsed by simdjson: configuration into Metadata, the header of a
// .safetensors file, the index of shards. Each throws Error with one sentence that begins with `where`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "files/metadata.h"

namespace troika::files {

// Adds every value under its dotted path, "rope_scaling.factor", after `prefix`. A null adds nothing.
void add_json(Metadata& metadata, std::string_view json, std::string_view prefix, std::string_view where);

struct SafetensorsEntry {
  std::string name, dtype;
  std::vector<int64_t> shape;   // no negative dimension
  uint64_t begin = 0, end = 0;  // as the header says, unchecked
};
std::vector<SafetensorsEntry> read_safetensors_header(std::string_view json, std::string_view where);

// (tensor, file) of model.safetensors.index.json.
std::vector<std::pair<std::string, std::string>> read_shard_index(std::string_view json,
                                                                  std::string_view where);

bool is_utf8(std::string_view text);

}  // namespace troika::files
