// What the fuzz targets share. Foreign bytes may come to something or be refused with a sentence; anything else, a
// broken invariant of ours too, leaves the target as an exception and is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace troika::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Whether `use` came to its end. The sentence of a refusal may go to a client: it must say something, and not the whole
// input again.
template <typename Use>
bool survives(const Use& use) {
  try {
    use();
    return true;
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    const std::string_view sentence = error.what();
    check(!sentence.empty(), "a refusal says why");
    check(sentence.size() < 70'000, "a refusal is a sentence");
    return false;
  }
}

}  // namespace troika::fuzz
