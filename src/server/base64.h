// Base64 as RFC 4648 has it, strictly: the standard alphabet, padded, nothing in between.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::server {

// Nothing when the text is no base64: another character, a wrong length or padding, or bits left over that are not 0.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

std::string encode_base64(std::span<const std::byte> bytes);

}  // namespace troika::server
