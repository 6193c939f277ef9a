#include "models/tower.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "files/json.h"

namespace troika::models {

extern const Tower kQwen2Vision;  // qwen2_vision.cpp
extern const Tower kSiglip;       // siglip.cpp

namespace {

const Tower* const kTowers[] = {&kQwen2Vision, &kSiglip};

const Tower& tower_of_gguf(const files::ModelFile& file) {
  const files::Metadata& m = file.metadata();
  std::string path = file.path().string();
  auto architecture = m.text("general.architecture").value_or("");
  if (architecture != "clip") {
    fail("{} is no image projector: its architecture is '{}', not 'clip'; --mmproj wants the mmproj file that is "
         "published beside the model", path, architecture);
  }
  auto projector = m.text("clip.projector_type");
  if (!projector) projector = m.text("clip.vision.projector_type");
  std::vector<std::string_view> known;
  for (const Tower* tower : kTowers) {
    if (projector && tower->projector == *projector) return *tower;
    known.push_back(tower->projector);
  }
  fail("{}: the image projector '{}' is not supported; supported: {}", path, projector.value_or("(none)"),
       fmt::join(known, ", "));
}

template <typename T>
void take_number(const files::Metadata& m, std::string_view key, T& value) {
  auto number = m.integer(key);
  if (!number) return;
  if (*number < 1 || *number > (int64_t{1} << 30)) fail("the image processor's {} is {}", key, *number);
  value = static_cast<T>(*number);
}

void take_channels(const files::Metadata& m, std::string_view key, std::array<float, 3>& value) {
  auto numbers = m.numbers(key);
  if (numbers.empty()) return;
  if (numbers.size() != 3) fail("the image processor's {} has {} numbers; three are wanted", key, numbers.size());
  for (size_t i = 0; i < 3; ++i) value[i] = static_cast<float>(numbers[i]);
}

// The filters by Pillow's numbers.
vision::Filter filter_of(int64_t resample) {
  if (resample == 2) return vision::Filter::bilinear;
  if (resample == 3) return vision::Filter::bicubic;
  fail("the image processor resizes by filter {}; bilinear (2) and bicubic (3) are supported", resample);
}

void read_config(const files::Metadata& m, vision::ProcessorSpec& s) {
  take_number(m, "patch_size", s.patch);
  take_number(m, "temporal_patch_size", s.temporal);
  take_number(m, "merge_size", s.merge);
  take_number(m, "size.height", s.size);
  take_number(m, "size.shortest_edge", s.min_pixels);
  take_number(m, "size.longest_edge", s.max_pixels);
  take_number(m, "min_pixels", s.min_pixels);
  take_number(m, "max_pixels", s.max_pixels);
  take_channels(m, "image_mean", s.mean);
  take_channels(m, "image_std", s.deviation);
  if (auto resample = m.integer("resample")) s.filter = filter_of(*resample);
  take_number(m, "pan_and_scan_min_crop_size", s.crop_min_size);
  take_number(m, "pan_and_scan_max_num_crops", s.crops_max);
  s.crop_min_ratio = m.number("pan_and_scan_min_ratio_to_activate").value_or(s.crop_min_ratio);
}

}  // namespace

const WeightNames& Tower::names_in(const files::ModelFile& file) const {
  if (file.kind() != files::FileKind::gguf) return names;
  auto columns = [&](std::string_view ours) {
    auto found = find_weight(file, names, ours, /*head_dim=*/0);
    return found ? found->view.shape.columns() : 0;
  };
  int width = columns("layer.0.attn_norm.weight");
  bool swapped = columns("layer.0.mlp.down.weight") == width && columns("layer.0.mlp.up.weight") != width;
  return swapped ? old_names : names;
}

const Tower* tower_of(const files::ModelFile& file) {
  if (file.kind() == files::FileKind::gguf) return &tower_of_gguf(file);
  auto type = file.metadata().text("model_type").value_or("");
  for (const Tower* tower : kTowers) {
    bool named = std::find(tower->hf_types.begin(), tower->hf_types.end(), type) != tower->hf_types.end();
    bool there = file.tensors().empty() ? file.metadata().has("vision_config.hidden_size")  // a bare config.json
                                        : find_weight(file, tower->names, "patch.0.weight", /*head_dim=*/0).has_value();
    if (named && there) return tower;
  }
  return nullptr;
}

ops::Program trace(const Tower& tower, const TowerSpec& spec, int cells) {
  ops::Builder builder(cells * spec.merged(), cells);
  ops::Tensor features = tower.build(spec, builder);
  return builder.finish(features);
}

vision::ProcessorSpec read_processor(const files::ModelFile& file, vision::ProcessorSpec s) {
  if (file.kind() == files::FileKind::gguf) {
    const files::Metadata& m = file.metadata();
    take_number(m, "clip.vision.image_min_pixels", s.min_pixels);
    take_number(m, "clip.vision.image_max_pixels", s.max_pixels);
    take_channels(m, "clip.vision.image_mean", s.mean);
    take_channels(m, "clip.vision.image_std", s.deviation);
  } else if (std::string json = file.text_file("preprocessor_config.json"); !json.empty()) {
    files::Metadata m;
    files::add_json(m, json, "", (file.path() / "preprocessor_config.json").string());
    read_config(m, s);
  }
  vision::check_spec(s);
  return s;
}

Arrangement arrange_in_windows(int rows, int columns, int merge, int window) {
  check(rows > 0 && columns > 0 && rows % merge == 0 && columns % merge == 0, "a grid of whole merge groups");
  int cell_rows = rows / merge, cell_columns = columns / merge, patches = rows * columns;
  if (window == 0) window = std::max(cell_rows, cell_columns);
  Arrangement a;
  ops::StepInputs::Spans& windows = a.spans[size_t(ops::SpanKind::window)];
  auto add_cell = [&](int cell_row, int cell_column) {
    a.cells.push_back(cell_row * cell_columns + cell_column);
    for (int i = 0; i < merge * merge; ++i) {
      int row = cell_row * merge + i / merge, column = cell_column * merge + i % merge;
      a.patches.push_back(row * columns + column);
      a.rope_row.push_back(row);
      a.rope_column.push_back(column);
    }
  };
  for (int top = 0; top < cell_rows; top += window) {
    for (int left = 0; left < cell_columns; left += window) {
      int first = static_cast<int>(a.patches.size());
      for (int r = top; r < std::min(top + window, cell_rows); ++r) {
        for (int c = left; c < std::min(left + window, cell_columns); ++c) add_cell(r, c);
      }
      windows.begin.resize(a.patches.size(), first);
      windows.end.resize(a.patches.size(), static_cast<int>(a.patches.size()));
    }
  }
  a.position_ids = a.patches;
  a.spans[size_t(ops::SpanKind::frame)] = {std::vector<int32_t>(patches, 0), std::vector<int32_t>(patches, patches)};
  return a;
}

}  // namespace troika::models
