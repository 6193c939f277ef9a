// A read-only memory map of a whole file. Who looks here and there uses the map; who wants all of it once reads: that
// streams from a disk, leaves no pages in this process, and a file that was cut short meanwhile is an error.
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

  // Copies a part of bytes() to `out`, which has room for it. Any thread. Throws Error when the file cannot be read.
  void read(std::span<const std::byte> part, std::byte* out) const;

  // Whether the system has nearly all of a part of bytes() in its cache of files. It tells the truth to who may write
  // the file, and yes to others.
  bool is_cached(std::span<const std::byte> part) const;
  // Tells the system that a part of bytes() need not stay in its cache of files, nor some MB before it: who reads from front
  // to back leaves no pages behind.
  void drop_cached(std::span<const std::byte> part) const;
  // The same of pages that are mapped in this process.
  void drop_mapped(std::span<const std::byte> part) const;

 private:
  FileMap(std::filesystem::path path, int fd, std::span<const std::byte> bytes);
  size_t offset_of(std::span<const std::byte> part) const;

  std::filesystem::path path_;
  int fd_;
  const std::byte* data_;
  size_t size_;
};

// Asks the kernel to start reading mapped bytes into the page cache.
void will_need(std::span<const std::byte> bytes);

// The whole file as bytes in memory; refuses files larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, size_t limit = size_t{256} << 20);

}  // namespace troika
