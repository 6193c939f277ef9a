// Fetching a picture that a client names by its URL. Only http and https, only from public addresses (checked on the
// very address that is connected to, so that no second look-up can give another), no redirects, no proxies, no
// credentials; within limits of size and time. What comes is bytes: what they are, their content says.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "server/public_address.h"

namespace troika::server {

struct FetchOptions {
  size_t most_bytes = 0;
  std::chrono::steady_clock::time_point deadline;
  std::span<const std::string> hosts;  // the only ones allowed; empty: any
  bool (*may_connect)(const sockaddr&) = is_public;
};

// Throws ApiError at `path`: 400 when the URL is refused or nothing can be had from it, 413 when the file is too
// large. Blocks; gives up soon after a stop is requested. Thread-safe.
std::vector<std::byte> fetch_image(const std::string& url, const std::string& path, const FetchOptions& options,
                                   const std::stop_token& stop);

}  // namespace troika::server
