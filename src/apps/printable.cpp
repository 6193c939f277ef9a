#include "apps/printable.h"

namespace troika::apps {

std::string printable(std::string_view utf8) {
  std::string kept;
  kept.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size(); ++i) {
    auto byte = static_cast<unsigned char>(utf8[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) continue;
    bool c1 = byte == 0xc2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xa0;
    if (c1) {
      ++i;
      continue;
    }
    kept += utf8[i];
  }
  return kept;
}

}  // namespace troika::apps
