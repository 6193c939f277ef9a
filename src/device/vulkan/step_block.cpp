#include "device/vulkan/step_block.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace troika::device::vulkan {
namespace {

// As shaders/lib/step.glsl has it.
struct Header {
  int32_t tokens, outputs, max_sequences, pages_per_sequence, feature_width, unused;
  VkDeviceAddress token_ids, positions, sequences, run_first, run_last, output_rows, page_table, feature_rows, features;
  VkDeviceAddress span_begin[ops::kSpanKinds], span_end[ops::kSpanKinds];
  VkDeviceAddress wanted;
};
static_assert(sizeof(ops::Wanted) == 8);

template <typename T>
void copy(std::byte* to, const std::vector<T>& from, size_t count) {
  std::copy_n(from.begin(), std::min(count, from.size()), reinterpret_cast<T*>(to));
}

}  // namespace

size_t StepBlock::place(size_t count) {
  const size_t offset = bytes_;
  bytes_ += (count * 4 + 63) / 64 * 64;
  return offset;
}

StepBlock::StepBlock(Context& context, const ops::StepInputs& inputs) : context_(context), inputs_(inputs) {
  place((sizeof(Header) + 3) / 4);
  const size_t tokens = inputs.token_ids.size();
  token_ids_ = place(tokens);
  positions_ = place(tokens);
  sequences_ = place(tokens);
  run_first_ = place(tokens);
  run_last_ = place(tokens);
  output_rows_ = place(inputs.output_rows.size());
  page_table_ = place(inputs.page_table.size());
  feature_rows_ = place(tokens);
  features_ = place(inputs.features.size());
  for (int kind = 0; kind < ops::kSpanKinds; ++kind) {
    span_begin_[kind] = place(tokens);
    span_end_[kind] = place(tokens);
  }
  wanted_ = place(inputs.wanted.size() * 2);
  buffer_ = context.allocate(bytes_);
  const auto address = [&](size_t offset) { return buffer_->address() + offset; };
  Header header{.max_sequences = inputs.max_sequences,
                .pages_per_sequence = inputs.pages_per_sequence,
                .feature_width = inputs.feature_width,
                .token_ids = address(token_ids_),
                .positions = address(positions_),
                .sequences = address(sequences_),
                .run_first = address(run_first_),
                .run_last = address(run_last_),
                .output_rows = address(output_rows_),
                .page_table = address(page_table_),
                .feature_rows = address(feature_rows_),
                .features = address(features_)};
  for (int kind = 0; kind < ops::kSpanKinds; ++kind) {
    header.span_begin[kind] = address(span_begin_[kind]);
    header.span_end[kind] = address(span_end_[kind]);
  }
  header.wanted = address(wanted_);
  std::memcpy(at(0), &header, sizeof header);
}

VkDeviceAddress StepBlock::angles(const std::shared_ptr<const ops::RopeTable>& table) {
  for (const Angles& known : angles_) {
    if (known.table == table) return known.buffer->address();
  }
  const size_t pairs = table->inverse_frequency.size();
  angles_.push_back({table, context_.allocate(inputs_.token_ids.size() * pairs * 2 * sizeof(float))});
  return angles_.back().buffer->address();
}

void StepBlock::upload() {
  if (inputs_.number > 0 && inputs_.number == uploaded_) return;
  uploaded_ = inputs_.number;
  const size_t tokens = size_t(inputs_.tokens), outputs = size_t(inputs_.outputs);
  std::memcpy(at(offsetof(Header, tokens)), &inputs_.tokens, sizeof(int32_t));
  std::memcpy(at(offsetof(Header, outputs)), &inputs_.outputs, sizeof(int32_t));
  copy(at(token_ids_), inputs_.token_ids, tokens);
  copy(at(positions_), inputs_.positions, tokens);
  copy(at(sequences_), inputs_.sequences, tokens);
  copy(at(run_first_), inputs_.run_first, tokens);
  copy(at(run_last_), inputs_.run_last, tokens);
  copy(at(output_rows_), inputs_.output_rows, outputs);
  copy(at(wanted_), inputs_.wanted, outputs);
  copy(at(feature_rows_), inputs_.feature_rows, tokens);
  for (int kind = 0; kind < ops::kSpanKinds; ++kind) {
    copy(at(span_begin_[kind]), inputs_.spans[kind].begin, tokens);
    copy(at(span_end_[kind]), inputs_.spans[kind].end, tokens);
  }
  upload_pages();
  upload_features();
  for (const Angles& angles : angles_) upload_angles(angles);
}

void StepBlock::want_only(int row) {
  auto* wanted = reinterpret_cast<ops::Wanted*>(at(wanted_));
  for (int i = 0; i < inputs_.outputs; ++i) wanted[i].whole = i == row ? uint32_t{ops::Wanted::logits} : 0;
}

// Of the sequences in this step, up to the furthest position that is looked at.
void StepBlock::upload_pages() {
  const size_t tokens = size_t(inputs_.tokens), row = size_t(inputs_.pages_per_sequence);
  const size_t group = size_t(inputs_.max_sequences) * row;
  int furthest = 0;
  for (size_t t = 0; t < tokens; ++t) {
    furthest = std::max({furthest, inputs_.positions[t], inputs_.run_last[t]});
    if (t + 1 < tokens && inputs_.sequences[t + 1] == inputs_.sequences[t]) continue;
    const size_t pages = std::min(row, size_t(ops::pages_for(furthest + 1)));
    for (size_t from = size_t(inputs_.sequences[t]) * row; from < inputs_.page_table.size(); from += group) {
      std::memcpy(at(page_table_) + from * 4, inputs_.page_table.data() + from, pages * 4);
    }
    furthest = 0;
  }
}

void StepBlock::upload_features() {
  const size_t bytes = size_t(inputs_.feature_width) * sizeof(float);
  const auto row = [&](size_t number) {
    std::memcpy(at(features_) + number * bytes, inputs_.features.data() + number * size_t(inputs_.feature_width), bytes);
  };
  for (size_t t = 0; bytes > 0 && t < size_t(inputs_.tokens); ++t) {
    if (all_features_) row(t);
    if (inputs_.feature_rows[t] >= 0) row(size_t(inputs_.feature_rows[t]));
  }
}

void StepBlock::upload_angles(const Angles& angles) {
  const ops::RopeTable& table = *angles.table;
  const size_t pairs = table.inverse_frequency.size();
  auto* to = reinterpret_cast<float*>(angles.buffer->host());
  for (size_t t = 0; t < size_t(inputs_.tokens); ++t) {
    for (size_t i = 0; i < pairs; ++i, to += 2) {
      // Rounded to float32, as in the models' training code.
      const float angle = float(inputs_.rope_positions[size_t(table.axis_of(i))][t]) * table.inverse_frequency[i];
      to[0] = static_cast<float>(std::cos(double{angle}) * table.amplitude);
      to[1] = static_cast<float>(std::sin(double{angle}) * table.amplitude);
    }
  }
}

}  // namespace troika::device::vulkan
