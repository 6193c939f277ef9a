#include "device/cpu/attend_plan.h"

#include <algorithm>

#include "kernels/kernel_table.h"

namespace troika::device::cpu {
namespace {

constexpr int kTasksPerThread = 4;  // with so many tiles for each thread there is no need to split them
constexpr size_t kUsualFloats = (size_t{8} << 20) / sizeof(float);

int chunks_for(int positions) { return (positions + kernels::kAttendChunk - 1) / kernels::kAttendChunk; }

}  // namespace

size_t AttendPlan::wanted_floats(const Sizes& s) {
  if (s.threads == 1 || chunks_for(s.context) == 1) return 0;
  size_t token = size_t(s.kv_heads) * chunks_for(s.context) * s.row_floats;
  return std::clamp(token * s.tokens, token, std::max(token, kUsualFloats));
}

AttendPlan::AttendPlan(const Sizes& sizes) : sizes_(sizes), first_(sizes.tokens), last_(sizes.tokens) {
  tiles_.reserve(sizes.tokens);
  split_.reserve(sizes.tokens);
  tasks_.reserve(sizes.tokens + sizes.floats / (sizes.row_floats * sizes.kv_heads));
}

void AttendPlan::make(const ops::StepInputs& inputs) {
  cut_tiles(inputs);
  share_out();
}

void AttendPlan::cut_tiles(const ops::StepInputs& inputs) {
  tiles_.clear();
  for (int t = 0; t < inputs.tokens; ++t) {
    int position = inputs.positions[t];
    first_[t] = std::min(sizes_.window > 0 ? std::max(0, position - sizes_.window + 1) : 0, inputs.run_first[t]);
    last_[t] = inputs.run_last[t];
    int begin = first_[t] / kernels::kAttendChunk, end = last_[t] / kernels::kAttendChunk + 1;
    Tile* open = t > 0 ? &tiles_.back() : nullptr;
    if (open && open->tokens < sizes_.tile_tokens && inputs.sequences[t] == inputs.sequences[t - 1] &&
        position == inputs.positions[t - 1] + 1) {
      ++open->tokens;
      open->chunk_begin = std::min(open->chunk_begin, begin);
      open->chunk_end = std::max(open->chunk_end, end);
    } else {
      tiles_.push_back({.token = t, .tokens = 1, .chunk_begin = begin, .chunk_end = end, .partials = -1});
    }
  }
}

void AttendPlan::share_out() {
  tasks_.clear();
  split_.clear();
  bool few = tiles_.size() * size_t(sizes_.kv_heads) < size_t(kTasksPerThread) * sizes_.threads;
  size_t used = 0;
  for (int i = 0; few && i < int(tiles_.size()); ++i) {
    Tile& tile = tiles_[i];
    size_t chunks = size_t(tile.chunk_end - tile.chunk_begin);
    size_t floats = sizes_.kv_heads * chunks * tile.tokens * sizes_.row_floats;
    if (chunks == 1 || floats > sizes_.floats - used) continue;
    tile.partials = ptrdiff_t(used);
    used += floats;
    split_.push_back(i);
  }
  // Whole tiles first, the latest before: they take longest.
  for (int i = int(tiles_.size()) - 1; i >= 0; --i) {
    if (tiles_[i].partials < 0) tasks_.push_back({i, -1});
  }
  for (int i : split_) {
    for (int chunk = tiles_[i].chunk_begin; chunk < tiles_[i].chunk_end; ++chunk) tasks_.push_back({i, chunk});
  }
}

}  // namespace troika::device::cpu
