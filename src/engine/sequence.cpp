#include "engine/sequence.h"

namespace troika::engine {

int before_run(const std::vector<TokenRun>& runs, int end) {
  for (const TokenRun& run : runs) {
    if (run.first < end && end < run.end) return run.first;
  }
  return end;
}

}  // namespace troika::engine
