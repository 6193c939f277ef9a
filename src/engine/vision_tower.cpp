#include "engine/vision_tower.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "engine/weights.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

constexpr size_t kOpsAtOnce = 2;  // of a stretch: others wait for no more than a matrix

// A row of patches as the tower reads it: (channel, time, y, x) → (time, channel, y, x).
void copy_patch(const float* from, int frames, size_t area, float* to) {
  for (int channel = 0; channel < 3; ++channel) {
    for (int t = 0; t < frames; ++t) {
      std::memcpy(to + (size_t(t) * 3 + size_t(channel)) * area, from + (size_t(channel) * frames + t) * area,
                  area * sizeof(float));
    }
  }
}

ops::StepInputs inputs_for(const models::TowerSpec& spec, const vision::Patches& patches,
                           const models::Arrangement& arrangement) {
  int rows = static_cast<int>(arrangement.patches.size()), cells = static_cast<int>(arrangement.cells.size());
  ops::StepInputs inputs(rows, cells, 1, 1, /*groups=*/1, spec.patch_values());
  inputs.tokens = rows;
  inputs.outputs = cells;
  inputs.spans = arrangement.spans;
  size_t width = size_t(spec.patch_values()), area = size_t(spec.processor.patch) * spec.processor.patch;
  for (int t = 0; t < rows; ++t) {
    inputs.place(t, arrangement.position_ids[t], t, /*sequence=*/0);
    inputs.rope_positions[1][t] = arrangement.rope_row[t];
    inputs.rope_positions[2][t] = arrangement.rope_column[t];
    copy_patch(patches.data.data() + size_t(arrangement.patches[t]) * width, spec.processor.temporal, area,
               inputs.features.data() + size_t(t) * width);
  }
  for (int o = 0; o < cells; ++o) inputs.output_rows[o] = o * spec.merged();
  return inputs;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// What is left of an mmproj file's name without that word: what it shares with its model's.
std::string name_without_mmproj(const std::filesystem::path& file) {
  std::string name = lower(file.stem().string());
  name.erase(name.find("mmproj"), 6);
  size_t first = name.find_first_not_of("-._");
  return first == std::string::npos ? "" : name.substr(first);
}

std::unique_ptr<VisionTower> open_mmproj(const std::filesystem::path& path, const models::ModelSpec& text,
                                         plan::Devices devices, const plan::Pins& pins) {
  auto file = files::ModelFile::open(path);
  const models::Tower* tower = models::tower_of(*file);
  if (!tower) fail("{} has no vision tower; --mmproj wants the mmproj file that is published beside the model", path.string());
  return std::make_unique<VisionTower>(*file, *tower, text, devices, pins);
}

FoundTower find_beside(const files::ModelFile& model, const models::ModelSpec& text, plan::Devices devices,
                       const plan::Pins& pins) {
  std::string problem;
  for (const std::filesystem::path& path : mmproj_files_beside(model.path())) {
    try {
      FoundTower found{open_mmproj(path, text, devices, pins), ""};
      log::debug("images are read by {}", path.string());
      return found;
    } catch (const Error& error) {
      if (problem.empty()) problem = error.what();
    }
  }
  if (!problem.empty()) return {nullptr, problem};
  return {nullptr, fmt::format("{} cannot see: its eyes are in a file of their own; put the model's mmproj file "
                               "beside it or name it with --mmproj", model.path().string())};
}

}  // namespace

VisionTower::VisionTower(const files::ModelFile& file, const models::Tower& tower, const models::ModelSpec& text,
                         plan::Devices devices, const plan::Pins& pins)
    : tower_(tower), path_(file.path()), devices_(devices), pins_(plan::tower_pins(pins)) {
  if (tower.text_family != text.family) {
    fail("{} is the image projector of a {} model and does not serve one of the family {}", path_.string(),
         tower.text_family, text.family);
  }
  spec_ = tower.read(file);
  if (spec_.text_width != text.width) {
    fail("{} makes image features {} wide, but the text model is {} wide; it belongs to another model", path_.string(),
         spec_.text_width, text.width);
  }
  const models::WeightNames& words = tower.names_in(file);
  ops::Program program = models::trace(tower, spec_, 1);
  std::vector<std::string> names;
  std::map<std::string, WeightView> views;
  for (auto& [view, tensor] : find_weights(file, words, spec_.head_dim, program)) {
    names.push_back(view.name);
    views.emplace(view.name, view);
    tensors_.push_back(std::move(tensor));
  }
  weights_ = HeldWeights(devices, pins_, {.own = {program}}, names, [&](const std::string& name) { return views.at(name); });
  std::sort(tensors_.begin(), tensors_.end());
}

bool VisionTower::owns(const std::string& tensor) const {
  if (std::binary_search(tensors_.begin(), tensors_.end(), tensor)) return true;
  return std::any_of(tower_.unread.begin(), tower_.unread.end(),
                     [&](std::string_view part) { return tensor.find(part) != std::string::npos; });
}

std::shared_ptr<const Features> VisionTower::features(const vision::Patches& patches) const {
  Run run(*this, patches);
  while (!run.advance()) {}
  return run.take();
}

VisionTower::Run::Run(const VisionTower& tower, const vision::Patches& patches)
    : tower_(tower),
      rows_(patches.rows / tower.spec().processor.merge),
      columns_(patches.columns / tower.spec().processor.merge),
      inputs_(1, 1, 1, 1) {
  check(patches.values == tower.spec().patch_values(), "patches of the tower's size");
  tape_ = place_tape(models::trace(tower.tower_, tower.spec_, rows_ * columns_), tower.devices_, tower.pins_, tower.weights_);
  plan::MemoryPlan memory = plan::plan_memory(tape_.program);
  size_t needed = memory.bytes + patches.data.size() * sizeof(float), free = platform::memory().available_bytes;
  if (needed > free) {
    fail("a picture of {} x {} patches needs {} MiB, but only {} MiB of memory are free; make it smaller or set "
         "--image-pixels", patches.columns, patches.rows, needed >> 20, free >> 20);
  }
  models::Arrangement arrangement = tower.tower_.arrange(tower.spec_, patches.rows, patches.columns);
  inputs_ = inputs_for(tower.spec_, patches, arrangement);
  cells_ = std::move(arrangement.cells);
  offsets_ = std::move(memory.offsets);
  arenas_ = std::make_shared<Arenas>(tower.devices_, memory.bytes);
}

bool VisionTower::Run::advance() {
  size_t end = std::min(next_ + kOpsAtOnce, tape_.program.ops.size());
  if (next_ < end) {
    const Surroundings around{.offsets = offsets_,
                              .devices = tower_.devices_,
                              .weights = &tower_.weights_,
                              .arenas = arenas_,
                              .caches = {},
                              .inputs = &inputs_};
    stretch_ = std::make_unique<Relay>(tape_, around, next_, end);
    stretch_->run();
    next_ = end;
  }
  return next_ == tape_.program.ops.size();
}

std::shared_ptr<const Features> VisionTower::Run::take() {
  check(next_ == tape_.program.ops.size(), "a tower gives its features when it has run");
  auto features = std::make_shared<Features>();
  features->rows = rows_;
  features->columns = columns_;
  size_t width = size_t(tower_.spec_.text_width);
  features->values.resize(cells_.size() * width);
  const float* from = stretch_->values(tape_.program.logits);
  for (size_t o = 0; o < cells_.size(); ++o) {
    std::memcpy(features->values.data() + size_t(cells_[o]) * width, from + o * width, width * sizeof(float));
  }
  return features;
}

std::vector<std::filesystem::path> mmproj_files_beside(const std::filesystem::path& model) {
  std::filesystem::path folder = model.has_parent_path() ? model.parent_path() : std::filesystem::path(".");
  std::string stem = lower(model.stem().string());
  std::vector<std::pair<int, std::filesystem::path>> found;  // minus the characters shared
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::string name = lower(entry.path().filename().string());
    if (!name.ends_with(".gguf") || name.find("mmproj") == std::string::npos || !entry.is_regular_file(error)) continue;
    std::string own = name_without_mmproj(entry.path());
    auto shared = std::mismatch(own.begin(), own.end(), stem.begin(), stem.end()).first - own.begin();
    found.emplace_back(-static_cast<int>(shared), entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::filesystem::path> files;
  for (auto& [shared, path] : found) files.push_back(std::move(path));
  return files;
}

FoundTower find_tower(const files::ModelFile& model, const models::ModelSpec& text, plan::Devices devices,
                      const std::filesystem::path& mmproj, const plan::Pins& pins) {
  if (!mmproj.empty()) return {open_mmproj(mmproj, text, devices, pins), ""};
  if (!text.sees_images) {
    return {nullptr, fmt::format("{} reads text only; pictures want a model that sees, such as Qwen2.5-VL or "
                                 "Gemma 3 from 4B on", model.path().string())};
  }
  if (model.kind() == files::FileKind::gguf) return find_beside(model, text, devices, pins);
  if (const models::Tower* tower = models::tower_of(model)) {
    return {std::make_unique<VisionTower>(model, *tower, text, devices, pins), ""};
  }
  return {nullptr, fmt::format("{} holds a text model only: the weights of its vision tower are missing",
                               model.path().string())};
}

bool has_tower(const files::ModelFile& model, const models::ModelSpec& text, const std::filesystem::path& mmproj) {
  if (!mmproj.empty()) return true;
  if (!text.sees_images) return false;
  if (model.kind() == files::FileKind::gguf) return !mmproj_files_beside(model.path()).empty();
  return models::tower_of(model) != nullptr;
}

}  // namespace troika::engine
