#include "npu/design/spec.h"

#include <fmt/format.h>

namespace troika::npu {

std::string to_text(Tile tile) { return fmt::format("{} ({},{})", limits_of(tile).name, tile.column, tile.row); }

std::string to_text(const Port& port) {
  return fmt::format("{} {} of {}", port.direction == Direction::s2mm ? "S2MM" : "MM2S", port.channel,
                     to_text(port.tile));
}

}  // namespace troika::npu
