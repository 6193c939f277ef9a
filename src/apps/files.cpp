#include "apps/files.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

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

std::vector<std::vector<int32_t>> read_prompts(const std::filesystem::path& path) {
  auto json = parse_json(read_text_file(path), path.string());
  try {
    return json.at("prompts").get<std::vector<std::vector<int32_t>>>();
  } catch (const nlohmann::json::exception&) {
    fail("{}: expected {{\"prompts\": [[ids], …]}}", path.string());
  }
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
