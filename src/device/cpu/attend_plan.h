// How a step's attention is shared out among threads. A tile is some tokens of one sequence that follow each other;
// it is a task for each key/value head. Where there are few tiles and long texts, each chunk of a tile's positions is a
// task of its own, whose sums are joined afterwards. The result is the same to the last bit either way.
// Arithmetic on plain data; nothing is allocated once it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/step_inputs.h"

namespace troika::device::cpu {

class AttendPlan {
 public:
  struct Sizes {
    int tokens;         // of a step, at most
    int tile_tokens;    // of a tile, at most
    int window;         // 0: none
    int kv_heads;       // G
    int threads;
    int context;        // positions of a sequence, at most
    size_t row_floats;  // that one token leaves for one key/value head in one chunk
    size_t floats;      // that there are in all for what chunks leave
  };
  struct Tile {
    int token, tokens;           // rows of the step
    int chunk_begin, chunk_end;  // that its positions lie in
    ptrdiff_t partials;          // first float of what its chunks leave; -1: not split
  };
  struct Task {
    int tile, chunk;  // chunk -1: all of the tile's
  };

  explicit AttendPlan(const Sizes& sizes);

  void make(const ops::StepInputs& inputs);

  std::span<const Tile> tiles() const { return tiles_; }
  std::span<const Task> tasks() const { return tasks_; }        // once for each key/value head
  std::span<const int> split_tiles() const { return split_; }
  const int32_t* first(int token) const { return &first_[token]; }  // positions attended, both included
  const int32_t* last(int token) const { return &last_[token]; }
  // Where a chunk of a split tile leaves its sums; heads apart, in each chunk after chunk.
  size_t partials(const Tile& tile, int kv_head, int chunk) const {
    size_t chunks = size_t(tile.chunk_end - tile.chunk_begin);
    return tile.partials + (kv_head * chunks + (chunk - tile.chunk_begin)) * tile.tokens * sizes_.row_floats;
  }

  // Enough floats for one token of the longest context, and more of them for steps of more tokens, within reason.
  static size_t wanted_floats(const Sizes& sizes);

 private:
  void cut_tiles(const ops::StepInputs& inputs);
  void share_out();

  Sizes sizes_;
  std::vector<int32_t> first_, last_;  // by token
  std::vector<Tile> tiles_;
  std::vector<Task> tasks_;
  std::vector<int> split_;
};

}  // namespace troika::device::cpu
