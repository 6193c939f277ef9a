// IPv4: all but a list of ranges (IANA's registry of special-purpose addresses). IPv6: only global unicast, all but
// the ranges in it that lead elsewhere; where an IPv4 address is carried, that one counts.
#include "server/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace troika::server {
namespace {

struct Range4 {
  uint8_t prefix[4];
  int bits;
};
constexpr Range4 kNotPublic4[] = {
    {{0, 0, 0, 0}, 8},          // this network
    {{10, 0, 0, 0}, 8},         // private
    {{100, 64, 0, 0}, 10},      // carriers' NAT; a cloud's metadata
    {{127, 0, 0, 0}, 8},        // loopback
    {{168, 63, 129, 16}, 32},   // Azure's host
    {{169, 254, 0, 0}, 16},     // link-local; clouds' metadata
    {{172, 16, 0, 0}, 12},      // private
    {{192, 0, 0, 0}, 24},       // protocols
    {{192, 0, 2, 0}, 24},       // documentation
    {{192, 88, 99, 0}, 24},     // 6to4 relays
    {{192, 168, 0, 0}, 16},     // private
    {{198, 18, 0, 0}, 15},      // benchmarks
    {{198, 51, 100, 0}, 24},    // documentation
    {{203, 0, 113, 0}, 24},     // documentation
    {{224, 0, 0, 0}, 4},        // multicast
    {{240, 0, 0, 0}, 4},        // reserved, broadcast
};

using Bytes6 = std::array<uint8_t, 16>;
struct Range6 {
  Bytes6 prefix;
  int bits;
  int ipv4_at = -1;  // the first of four bytes that carry an IPv4 address; -1: none, and not public
};
// The first that matches decides.
constexpr Range6 kSpecial6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12},    // ::ffff:0:0/96, IPv4 in IPv6
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},                      // 64:ff9b::/96, NAT64
    {{0x20, 0x02}, 16, 2},                                   // 2002::/16, 6to4
    {{0x20, 0x01, 0x00}, 23},                                // 2001::/23, Teredo and other protocols
    {{0x20, 0x01, 0x0d, 0xb8}, 32},                          // documentation
    {{0x3f, 0xff, 0x00}, 20},                                // documentation
};

bool begins_with(const uint8_t* bytes, const uint8_t* prefix, int bits) {
  const int whole = bits / 8, rest = bits % 8;
  if (std::memcmp(bytes, prefix, size_t(whole)) != 0) return false;
  return rest == 0 || (bytes[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

bool is_public4(const uint8_t* bytes) {
  for (const Range4& range : kNotPublic4)
    if (begins_with(bytes, range.prefix, range.bits)) return false;
  return true;
}

bool is_public6(const uint8_t* bytes) {
  for (const Range6& range : kSpecial6)
    if (begins_with(bytes, range.prefix.data(), range.bits))
      return range.ipv4_at >= 0 && is_public4(bytes + range.ipv4_at);
  return (bytes[0] & 0xe0) == 0x20;  // 2000::/3, global unicast
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    return is_public4(reinterpret_cast<const uint8_t*>(&in.sin_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &address, sizeof in);
    return is_public6(reinterpret_cast<const uint8_t*>(&in.sin6_addr));
  }
  return false;
}

}  // namespace troika::server
