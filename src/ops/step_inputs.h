// Everything that changes from one step to the next, in one block that kernels read. Sized once, never grown.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace troika::ops {

inline constexpr int kPageTokens = 32;  // P: tokens per cache page
inline constexpr int kRopeAxes = 3;     // M-RoPE: time, row, column; plain text has the same position on all

constexpr int pages_for(int tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

// Which rows attend_spans joins: a patch's window, or its whole frame.
inline constexpr int kSpanKinds = 2;
enum class SpanKind : uint8_t { window, frame };

// What the host reads of an output row. A device may leave what is not asked for where the host does not see it.
struct Wanted {
  enum : uint32_t { logits = 1, states = 2 };
  uint32_t whole = logits | states;  // rows that are read as they are
  float factor = 1;  // of the weights e^((logit - largest) · factor) that a device sums up: 1 / temperature
};

struct StepInputs {
  StepInputs(int max_tokens, int max_outputs, int max_sequences, int max_pages, int groups = 1, int feature_columns = 0)
      : max_sequences(max_sequences),
        pages_per_sequence(max_pages),
        feature_width(feature_columns),
        token_ids(max_tokens),
        positions(max_tokens),
        sequences(max_tokens),
        run_first(max_tokens),
        run_last(max_tokens),
        output_rows(max_outputs),
        wanted(max_outputs),
        page_table(size_t(groups) * max_sequences * max_pages),
        feature_rows(max_tokens, -1),
        features(size_t(max_tokens) * feature_columns) {
    for (auto& axis : rope_positions) axis.resize(max_tokens);
  }

  // Row `t` becomes an ordinary token of text.
  void place(int t, int32_t id, int position, int sequence) {
    token_ids[t] = id;
    positions[t] = run_first[t] = run_last[t] = position;
    sequences[t] = sequence;
    for (auto& axis : rope_positions) axis[t] = position;
    feature_rows[t] = -1;
  }

  uint64_t number = 0;  // of the step, counted up by who fills these in; 0: nobody counts
  int tokens = 0;   // live entries of what has one per token
  int outputs = 0;  // live entries of output_rows
  int max_sequences;
  int pages_per_sequence;
  int feature_width;
  std::vector<int32_t> token_ids;
  std::vector<int32_t> positions;    // place of the token in its sequence, from 0
  std::vector<int32_t> sequences;    // row of the page table
  std::array<std::vector<int32_t>, kRopeAxes> rope_positions;  // where rope turns the token to
  std::vector<int32_t> run_first, run_last;  // positions that see each other both ways (an image); else the token's own
  std::vector<int32_t> output_rows;  // ascending token rows whose logits are wanted
  std::vector<Wanted> wanted;        // of each output row
  int drawable = 0;                  // ids from here on are never drawn; 0: whole rows are read, none of their largest
  std::vector<int32_t> page_table;   // [page groups, sequences, pages_per_sequence]: cache page of each P tokens
  std::vector<int32_t> feature_rows; // row of `features` that stands in for the token's embedding, or -1
  std::vector<float> features;       // [tokens, feature_width]: what does not come from an embedding

  // Vision towers: rows [begin, end) that a patch attends to, by SpanKind. Empty for text.
  struct Spans {
    std::vector<int32_t> begin, end;
  };
  std::array<Spans, kSpanKinds> spans;

  const int32_t* pages(int token, int group = 0) const {
    return page_table.data() + (size_t(group) * max_sequences + sequences[token]) * pages_per_sequence;
  }
};

}  // namespace troika::ops
