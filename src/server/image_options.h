// What pictures clients may show, and where they may come from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/public_address.h"

namespace troika::server {

struct ImageOptions {
  int per_request = 16;
  size_t file_bytes = size_t{20} << 20;        // of one image file
  int64_t pixels = int64_t{24} << 20;          // of one picture
  int64_t request_pixels = int64_t{48} << 20;  // of all in one request
  size_t memory_bytes = size_t{1} << 30;       // of decoded pictures, of all requests together

  bool allow_urls = false;         // http and https; data: URLs always are
  std::vector<std::string> hosts;  // only from these; empty: from any public address
  std::chrono::milliseconds fetch_timeout{30'000};  // for all pictures of one request
  bool (*may_connect)(const sockaddr&) = is_public;  // another rule only in tests, which fetch from their own machine
};

}  // namespace troika::server
