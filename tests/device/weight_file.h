// Weights as they come from a file, and what of it stays in memory.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "base/file_map.h"
#include "tensor/format.h"

namespace troika::device {

// A file with these bytes behind `skip` others, removed at the end.
class TemporaryFile {
 public:
  TemporaryFile(std::span<const std::byte> bytes, size_t skip)
      : path_(std::filesystem::temp_directory_path() / fmt::format("troika-weight-{}-{}", ::getpid(), ++number)) {
    std::ofstream out(path_, std::ios::binary);
    std::fill_n(std::ostreambuf_iterator<char>(out), skip, 'x');
    out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline int number = 0;
  std::filesystem::path path_;
};

// The same weight as it lies in the file.
inline WeightView in_file(const WeightView& view, const TemporaryFile& file, size_t skip) {
  auto map = FileMap::open(file.path());
  return {view.name, view.format, view.shape, map->bytes().subspan(skip, view.bytes.size()), map, map.get()};
}

// Pages of files that are mapped in this process and there.
inline size_t resident_file_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("RssFile:")) return std::stoul(line.substr(8)) << 10;
  }
  return 0;
}

}  // namespace troika::device
