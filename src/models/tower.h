// Vision towers: what turns the patches of a picture into features that stand in for tokens of text. A tower is
// traced like a model; T is patches, O merged patches, each T/O rows that follow each other become one, and the
// result (the program's "logits") is features [O, E of the text model]. One file and one row per tower.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/model_file.h"
#include "models/weight_names.h"
#include "ops/builder.h"
#include "vision/processor.h"

namespace troika::models {

struct TowerSpec {
  int layers = 0;      // L
  int width = 0;       // E of the tower
  int heads = 0;       // H
  int head_dim = 0;    // D
  int mlp_width = 0;   // F
  int text_width = 0;  // of the features: E of the text model
  int positions = 0;   // rows of the learned position table; 0: none
  float norm_epsilon = 1e-6f;
  std::vector<ops::SpanKind> spans;  // by layer: what a patch attends to
  int window = 0;                    // merged patches, a side, of SpanKind::window
  std::shared_ptr<const ops::RopeTable> rope;  // null: none
  double tokens_per_second = 2;                // of a video's time in M-RoPE
  vision::ProcessorSpec processor;             // its `merge` is the side of what is merged

  int patch_values() const { return 3 * processor.temporal * processor.patch * processor.patch; }
  int merged() const { return processor.merge * processor.merge; }  // T/O
};

// In which order the patches of one picture become rows, and what stands beside each. Spans are of rows.
struct Arrangement {
  std::vector<int32_t> patches;       // [T] row → patch, counted row by row over the grid
  std::vector<int32_t> position_ids;  // [T] row of the position table
  std::vector<int32_t> rope_row, rope_column;  // [T]
  std::array<ops::StepInputs::Spans, ops::kSpanKinds> spans;
  std::vector<int32_t> cells;  // [O] output row → merged patch, counted row by row over the merged grid
};

struct Tower {
  std::string_view text_family;  // ModelSpec::family of the text model that it serves
  std::string_view projector;    // GGUF's clip.projector_type
  std::span<const std::string_view> hf_types;  // config.json's model_type of the whole model
  WeightNames names;
  WeightNames old_names;  // of GGUF files whose converter took the MLP's "up" for "down"
  std::span<const std::string_view> unread;  // in names of tensors that belong to it, but that no picture passes
  TowerSpec (*read)(const files::ModelFile& file);
  ops::Tensor (*build)(const TowerSpec& spec, ops::Builder& b);
  Arrangement (*arrange)(const TowerSpec& spec, int rows, int columns);  // of the patch grid

  const WeightNames& names_in(const files::ModelFile& file) const;
};

// The tower of a safetensors folder, a bare config.json or an mmproj file; null when a folder has none. Throws Error for a GGUF file
// that is no mmproj file, or one of a kind that is not known.
const Tower* tower_of(const files::ModelFile& file);

// Traces the tower for up to `cells` merged patches.
ops::Program trace(const Tower& tower, const TowerSpec& spec, int cells);

// The image processor's numbers: preprocessor_config.json beside the weights or the mmproj file's keys over what
// the tower gives. Throws Error for numbers that no processor can work with.
vision::ProcessorSpec read_processor(const files::ModelFile& file, vision::ProcessorSpec defaults);

// Rows for patches merged `merge` a side, windows of `window` merged patches a side (0: one window) row by row.
Arrangement arrange_in_windows(int rows, int columns, int merge, int window);

}  // namespace troika::models
