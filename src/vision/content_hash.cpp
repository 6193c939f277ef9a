// The four words of the state are mixed by rounds of add, rotate and xor, two for every 8 bytes of input.
#include "vision/content_hash.h"

#include <bit>
#include <cstring>
#include <random>

namespace troika::vision {
namespace {

struct State {
  uint64_t a, b, c, d;

  void round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) round();
  }
  void take(uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  }
  uint64_t value() const { return a ^ b ^ c ^ d; }
};

uint64_t word_of(const std::byte* bytes, size_t count) {  // little-endian, up to 8 bytes
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) word |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace

HashKey random_key() {
  std::random_device device;
  const auto word = [&] { return (uint64_t{device()} << 32) | device(); };
  return {word(), word()};
}

Hash hash_bytes(std::span<const std::byte> bytes, const HashKey& key) {
  State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) state.take(word_of(bytes.data() + at, 8));
  state.take(word_of(bytes.data() + at, bytes.size() - at) | static_cast<uint64_t>(bytes.size()) << 56);
  Hash hash;
  state.c ^= 0xee;
  state.rounds(4);
  hash.low = state.value();
  state.b ^= 0xdd;
  state.rounds(4);
  hash.high = state.value();
  return hash;
}

Hash content_hash(const Picture& picture, const HashKey& key) {
  // The size takes part by way of the key: pictures of other proportions may have the same pixels.
  const std::array<uint32_t, 2> size{static_cast<uint32_t>(picture.width),
                                     static_cast<uint32_t>(picture.height)};
  const Hash seed = hash_bytes(std::as_bytes(std::span(size)), key);
  return hash_bytes(std::as_bytes(std::span(picture.rgb)), {seed.low, seed.high});
}

}  // namespace troika::vision
