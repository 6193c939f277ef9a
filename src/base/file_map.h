// A read-only memory map of a whole file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace troika {

class FileMap {
 public:
  // Throws Error when the file is missing, unreadable, not a regular file or empty.
  static std::shared_ptr<const FileMap> open(const std::filesystem::path& path);
  ~FileMap();
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }


 private:
  FileMap(const std::byte* data, size_t size) : data_(data), size_(size) {}
  const std::byte* data_;
  size_t size_;
};

// Asks the kernel to start reading mapped bytes into the page cache.
void will_need(std::span<const std::byte> bytes);

// The whole file as bytes in memory; refuses files larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

}  // namespace troika
