// A file to be downloaded, and how it is known that what comes is this file in this version.
#pragma once

#include <cstdint>
#include <string>

#include "store/digest.h"

namespace troika::store {

struct FileSource {
  std::string url;
  std::string name;    // for people: "qwen3-8b-q4_k_m.gguf"
  uint64_t bytes = 0;
  std::string digest;  // 64 (SHA-256) or 40 (git) hexadecimal digits; "": nobody says, so nothing can be checked
  std::string repository, commit;  // on the hub; "" elsewhere
  std::string etag;    // strong, quoted; makes a part resumable where there is no digest

  DigestKind digest_kind() const { return is_git_hash(digest) ? DigestKind::git_blob : DigestKind::sha256; }
  bool resumable() const { return !digest.empty() || !etag.empty(); }
};

}  // namespace troika::store
