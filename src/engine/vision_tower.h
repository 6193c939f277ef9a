// The eyes of a loaded model: its tower's weights on the device, and how the patches of a picture become features.
// Found in the model's own folder, or in the mmproj file beside a GGUF file. Immutable once loaded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/feature_cache.h"
#include "engine/relay.h"
#include "files/model_file.h"
#include "models/spec.h"
#include "models/tower.h"

namespace troika::engine {

class VisionTower {
 public:
  // Throws Error when a weight is missing or the features do not fit `text`. `devices` must outlive this; `pins`: the model's.
  VisionTower(const files::ModelFile& file, const models::Tower& tower, const models::ModelSpec& text, plan::Devices devices,
              const plan::Pins& pins = {});

  const models::TowerSpec& spec() const { return spec_; }
  const std::filesystem::path& path() const { return path_; }
  // Whether a tensor of the file belongs to the tower, also to a part of it that no picture passes through.
  bool owns(const std::string& tensor) const;

  // A picture on its way. The work comes in stretches, so that a thread can do other things in between.
  class Run {
   public:
    Run(const VisionTower& tower, const vision::Patches& patches);  // throws Error when it needs too much memory
    bool advance();  // computes the next stretch; true when all is done
    std::shared_ptr<const Features> take();

   private:
    const VisionTower& tower_;
    int rows_, columns_;  // merged patches
    Tape tape_;
    ops::StepInputs inputs_;
    std::vector<size_t> offsets_;
    std::shared_ptr<const Arenas> arenas_;
    std::unique_ptr<Relay> stretch_;  // the last one
    std::vector<int32_t> cells_;
    size_t next_ = 0;  // op
  };

  std::shared_ptr<const Features> features(const vision::Patches& patches) const;  // all stretches at once

 private:
  const models::Tower& tower_;
  std::filesystem::path path_;
  models::TowerSpec spec_;
  const plan::Devices devices_;
  const plan::Pins pins_;
  HeldWeights weights_;
  std::vector<std::string> tensors_;  // of the file, sorted
};

// A tower, or why there is none: a sentence for whoever shows the model a picture.
struct FoundTower {
  std::unique_ptr<VisionTower> tower;
  std::string why_none;
};

// The tower for a loaded text model: in `mmproj` when it is named, else in the model's folder, else in an mmproj
// file beside the model's. Throws Error when the named file does not serve this model.
FoundTower find_tower(const files::ModelFile& model, const models::ModelSpec& text, plan::Devices devices,
                      const std::filesystem::path& mmproj, const plan::Pins& pins = {});

// Whether there are files of one; none is read.
bool has_tower(const files::ModelFile& model, const models::ModelSpec& text, const std::filesystem::path& mmproj);

// The *mmproj*.gguf files in the folder of a GGUF model, those first whose names have more of its name.
std::vector<std::filesystem::path> mmproj_files_beside(const std::filesystem::path& model);

}  // namespace troika::engine
