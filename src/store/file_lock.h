// A lock between processes (and between threads: each FileLock opens its own), held as long as the object
// lives. The file stays; Python's filelock locks the same way, so that huggingface_hub and we wait for each
// other.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

namespace troika::store {

class FileLock {
 public:
  // Waits until it is free; calls `waits` once if it has to. Makes the file and its folders. Throws Error
  // when it cannot, Stopped when a stop is requested.
  FileLock(
      const std::filesystem::path& path, const std::stop_token& stop,
      const std::function<void()>& waits = [] {});
  ~FileLock();
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;

  // Without waiting; none when another one holds it, or it cannot be made.
  static std::optional<FileLock> take_if_free(const std::filesystem::path& path);

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_;
};

// Whether nobody holds this lock at the moment.
bool is_free(const std::filesystem::path& path);

}  // namespace troika::store
