// A picture's content as a number: the key of caches that hold what was computed from it. SipHash-2-4 with
// 128 bits (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012). With a secret key
// nobody can make two pictures that share one; a server that keeps several people's pictures apart passes a
// random one.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vision/picture.h"

namespace troika::vision {

struct Hash {
  uint64_t low = 0, high = 0;
  auto operator<=>(const Hash&) const = default;
};

using HashKey = std::array<uint64_t, 2>;
HashKey random_key();

Hash hash_bytes(std::span<const std::byte> bytes, const HashKey& key);
// Of the size and the pixels.
Hash content_hash(const Picture& picture, const HashKey& key = {});

}  // namespace troika::vision
