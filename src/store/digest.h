// Checksums of files as the hub names them, computed while the bytes go by: SHA-256 of large files, git's blob hash
// (SHA-1 of "blob SIZE\0" and the content) of small ones.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troika::store {

enum class DigestKind { sha256, git_blob };

class Digest {
 public:
  Digest(DigestKind kind, uint64_t bytes);  // of content that has so many bytes
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void add(std::span<const char> bytes);
  std::string hex();  // ends it

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

bool is_hex(std::string_view text, size_t digits);  // exactly so many, in lower case
inline bool is_sha256(std::string_view text) { return is_hex(text, 64); }
inline bool is_git_hash(std::string_view text) { return is_hex(text, 40); }

std::string sha256_of(std::string_view text);

}  // namespace troika::store
