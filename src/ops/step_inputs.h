// Everything that changes from one step to the next, in one block that kernels read. Sized once, never grown.
#pragma once

#include <cstdint>
#include <vector>

namespace troika::ops {

inline constexpr int kPageTokens = 32;  // P: tokens per cache page

constexpr int pages_for(int tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

struct StepInputs {
  StepInputs(int max_tokens, int max_outputs, int max_sequences, int max_pages)
      : pages_per_sequence(max_pages),
        token_ids(max_tokens),
        positions(max_tokens),
        sequences(max_tokens),
        output_rows(max_outputs),
        page_table(size_t(max_sequences) * max_pages) {}

  int tokens = 0;   // live entries of token_ids, positions and sequences
  int outputs = 0;  // live entries of output_rows
  int pages_per_sequence;
  std::vector<int32_t> token_ids;
  std::vector<int32_t> positions;    // place of the token in its sequence, from 0
  std::vector<int32_t> sequences;    // row of the page table
  std::vector<int32_t> output_rows;  // ascending token rows whose logits are wanted
  std::vector<int32_t> page_table;   // [sequences, pages_per_sequence]: cache page of each P tokens

  const int32_t* pages(int token) const {
    return page_table.data() + size_t(sequences[token]) * pages_per_sequence;
  }
};

}  // namespace troika::ops
