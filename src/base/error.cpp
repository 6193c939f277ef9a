#include "base/error.h"

namespace troika {

void broken_invariant(std::string_view what, std::source_location where) {
  throw InternalError(
      fmt::format("internal error: {} ({}:{}); please report this", what, where.file_name(), where.line()));
}

}  // namespace troika
