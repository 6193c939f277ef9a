#include "apps/files.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/file_map.h"

namespace troika::apps {

std::string read_stdin() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

nlohmann::ordered_json parse_json(std::string_view text, std::string_view what) {
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail("{} is not valid JSON: {}", what, error.what());
  }
}

// nlohmann's own conversion would round 1.5, cut 2³² + 5 and take true for 1.
std::vector<int32_t> to_ids(const nlohmann::ordered_json& list, std::string_view what) {
  if (!list.is_array()) fail("{}: expected an array of token ids", what);
  std::vector<int32_t> ids;
  for (const auto& item : list) {
    bool fits = item.is_number_integer() && std::in_range<int32_t>(item.get<int64_t>()) &&
                (!item.is_number_unsigned() || std::in_range<int32_t>(item.get<uint64_t>()));
    if (!fits) fail("{}: {} is no token id", what, item.dump());
    ids.push_back(item.get<int32_t>());
  }
  return ids;
}

std::vector<std::vector<int32_t>> read_prompts(const std::filesystem::path& path) {
  auto json = parse_json(read_text_file(path), path.string());
  bool well_formed = json.is_object() && json.contains("prompts") && json["prompts"].is_array();
  if (!well_formed) fail("{}: expected {{\"prompts\": [[ids], …]}}", path.string());
  std::vector<std::vector<int32_t>> prompts;
  for (const auto& prompt : json["prompts"]) prompts.push_back(to_ids(prompt, path.string() + ": prompts"));
  return prompts;
}

void write_npy(const std::filesystem::path& path, std::span<const float> values, size_t rows, size_t columns) {
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  header.resize((header.size() + 1 + 10 + 63) / 64 * 64 - 10 - 1, ' ');  // magic and header fill 64-byte lines
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  uint16_t length = static_cast<uint16_t>(header.size());
  out.write("\x93NUMPY\x01\x00", 8).write(reinterpret_cast<const char*>(&length), 2);
  out << header;
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!out.flush()) fail("cannot write {}", path.string());
}

}  // namespace troika::apps
