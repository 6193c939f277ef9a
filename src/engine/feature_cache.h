// What a tower made of the pictures seen last, by their content: the next turn of a chat shows the same ones again.
// Used by the engine's thread only.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "vision/content_hash.h"

namespace troika::engine {

struct Features {
  int rows = 0, columns = 0;  // of merged patches
  std::vector<float> values;  // [rows · columns, E of the text model]
};

class FeatureCache {
 public:
  explicit FeatureCache(size_t most_bytes) : most_bytes_(most_bytes) {}

  // Null when it is not known (any more).
  std::shared_ptr<const Features> find(const vision::Hash& picture) {
    auto found = index_.find(picture);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().features;
  }

  // Forgets those not looked at for longest until it fits; one larger than the limit is not kept.
  void put(const vision::Hash& picture, std::shared_ptr<const Features> features) {
    size_t bytes = features->values.size() * sizeof(float);
    if (bytes > most_bytes_ || find(picture)) return;
    while (bytes_ + bytes > most_bytes_) {
      bytes_ -= entries_.back().features->values.size() * sizeof(float);
      index_.erase(entries_.back().picture);
      entries_.pop_back();
    }
    entries_.push_front({picture, std::move(features)});
    index_[picture] = entries_.begin();
    bytes_ += bytes;
  }

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    vision::Hash picture;
    std::shared_ptr<const Features> features;
  };

  size_t most_bytes_, bytes_ = 0;
  std::list<Entry> entries_;  // looked at last first
  std::map<vision::Hash, std::list<Entry>::iterator> index_;
};

}  // namespace troika::engine
