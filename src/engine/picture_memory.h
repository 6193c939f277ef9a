// What the tower made of requests' pictures: remembered where it was made before, else looked at a stretch at a time. Used by the
// engine's thread only.
#pragma once

#include "engine/eyes.h"
#include "engine/feature_cache.h"
#include "engine/running.h"
#include "engine/vision_tower.h"

namespace troika::engine {

class PictureMemory {
 public:
  explicit PictureMemory(size_t most_bytes) : seen_(most_bytes) {}

  // Whether the features of all its pictures are still known: then nobody else's pictures need be waited for.
  bool recalls(Running& running);

  struct Looked {
    bool has_all = false;  // its pictures have their features
    int tokens = 0;        // of the picture that was done now
    double busy_s = 0;     // that the devices computed
  };
  // Computes one stretch at most, of its first picture without features.
  Looked look(Running& running, const VisionTower& tower, const Eyes& eyes);

 private:
  FeatureCache seen_;
};

}  // namespace troika::engine
