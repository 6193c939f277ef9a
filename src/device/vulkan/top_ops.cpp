// What the host gets of a program's results: of each row of logits the largest, and whole rows where it wants them.
#include <algorithm>
#include <bit>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

// As the shaders have them: kTop groups are looked at by one workgroup, kMostEach tokens at most by each of its lanes.
constexpr uint32_t kTop = kTopLogits, kGroup = 64, kGroupLanes = 256, kOfGroupLane = 8, kMostEach = 16;
constexpr uint32_t kLeastTopLanes = kTop * kGroup / kMostEach, kMostTopLanes = 1024;
constexpr uint32_t kMostColumns = kTop * kGroup * kGroup;
constexpr size_t kPartBytes = 20;
static_assert(pieces(kMostColumns, kGroupLanes * kOfGroupLane) <= kLeastTopLanes);

// As shaders/wanted_rows.comp has it.
constexpr uint32_t kCopied = 256 * 16;  // values of a workgroup

}  // namespace

bool Compiler::is_made_here(Tensor t) const {
  const std::span ops = std::span(program_.ops).subspan(segment_.begin, segment_.end - segment_.begin);
  return std::ranges::any_of(ops, [&](const Op& op) { return std::ranges::count(op.out, t) > 0; });
}

void Compiler::find_top(Tensor logits) {
  const uint32_t width = columns(logits), rows = capacity(logits);
  if (width > kMostColumns) return;
  const uint32_t group_count = pieces(width, kGroup), part_count = pieces(width, kGroupLanes * kOfGroupLane);
  const uint32_t top_lanes = std::clamp(std::bit_floor(context_->caps().workgroup_size), kLeastTopLanes, kMostTopLanes);
  const Range groups = scratch(Scratch::groups, size_t(rows) * group_count * 4);
  const Range parts = scratch(Scratch::parts, size_t(rows) * part_count * kPartBytes);
  compiled_.top = context_->allocate(size_t(rows) * sizeof(TopLogits), true);
  const struct {
    VkDeviceAddress step, logits, groups, parts;
    uint32_t columns, drawable;
  } first{step_, at(logits), groups.begin, parts.begin, width, uint32_t(segment_.inputs->drawable)};
  dispatch("top_groups", {kTop, kGroup, kGroupLanes}, bytes_of(first), {part_count, rows, 1}, {range(logits)}, {groups, parts});
  const struct {
    VkDeviceAddress step, logits, groups, parts, tops;
    uint32_t columns, part_count;
  } second{step_, at(logits), groups.begin, parts.begin, compiled_.top->address(), width, part_count};
  dispatch("top_logits", {kTop, kGroup, top_lanes}, bytes_of(second), {rows, 2, 1}, {range(logits), groups, parts},
           {{compiled_.top->address(), compiled_.top->size()}});
}

void Compiler::read_back(Tensor t, uint32_t what) {
  const ReadBack& read = compiled_.results.emplace_back(t, context_->allocate(range(t).bytes, true));
  copy_wanted(*compiled_.recorder, read, what);
}

void Compiler::copy_wanted(Recorder& recorder, const ReadBack& read, uint32_t what) const {
  const struct {
    VkDeviceAddress step, from, to;
    uint32_t columns, what;
  } push{step_, at(read.tensor), read.buffer->address(), columns(read.tensor), what};
  recorder.dispatch({.pipeline = {"wanted_rows", {}},
                     .push = bytes_of(push),
                     .groups = {pieces(push.columns, kCopied), capacity(read.tensor), 1},
                     .reads = {range(read.tensor)},
                     .writes = {{read.buffer->address(), read.buffer->size()}}});
}

// Recorded apart, for rows of logits that are wanted only when the largest are known.
void Compiler::record_fetch() {
  compiled_.fetch = std::make_unique<Recorder>(context_, options_.most_work);
  copy_wanted(*compiled_.fetch, compiled_.results.front(), ops::Wanted::logits);
}

}  // namespace troika::device::vulkan
