// Cache pages on disk, by the text they hold: what was computed survives the process, however it ended. One folder a
// model and way of computing it, in it segments that are only ever appended to; when all take too much room the oldest
// goes. A record names its text (a hash of it, and the tokens), which page groups it has, and a checksum of all that:
// whatever does not fit is left out, and computed again. Used by the engine's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vision/content_hash.h"

namespace troika::engine {

class PageStore {
 public:
  struct Record {
    uint32_t segment = 0;
    uint64_t offset = 0;  // of its header
    uint32_t groups = 0;  // bit g: it has the page of group g
  };

  // `folder` holds the models' folders, which use about `limit` bytes together: a model that is in use elsewhere too is left
  // its share, others half of the room. `page_bytes`: of each group. Null when this model's pages are in use already. Throws
  // Error when the folder cannot be used.
  static std::unique_ptr<PageStore> open(const std::filesystem::path& folder, uint64_t limit, const vision::Hash& model,
                                         std::vector<size_t> page_bytes);
  ~PageStore();
  PageStore(const PageStore&) = delete;

  // Of this folder, and nobody else's: texts are hashed with it.
  const vision::HashKey& secret() const { return secret_; }

  const Record* find(const vision::Hash& text) const;

  // Reads the pages of the wanted groups, one after another, to `out`. False when the record is damaged or holds other
  // keys; it is forgotten then.
  bool read(const vision::Hash& text, std::span<const int64_t> keys, uint32_t groups, std::span<std::byte> out);

  // Appends a record: the pages of its groups, one after another. Throws Error when the disk is full or fails.
  void write(const vision::Hash& text, std::span<const int64_t> keys, uint32_t groups, std::span<const std::byte> pages);

  uint64_t bytes() const { return bytes_; }  // of this model
  uint64_t dropped() const { return dropped_; }  // segments so far, with all that they held
  size_t bytes_of(uint32_t groups) const;

 private:
  struct Segment {
    uint32_t number = 0;
    int fd = -1;
    uint64_t bytes = 0;
  };

  PageStore(std::filesystem::path folder, uint64_t limit, std::vector<size_t> page_bytes);
  bool lock();
  void read_secret();
  void read_segments();
  uint64_t index(const Segment& segment);
  void share_room();
  void begin_segment();
  void make_room(uint64_t bytes);
  void drop_oldest();
  Segment* segment(uint32_t number);

  std::filesystem::path folder_;  // of the model
  uint64_t limit_, room_ = 0;     // bytes of all models, and of this one
  std::vector<size_t> page_bytes_;
  int lock_ = -1;
  vision::HashKey secret_{};
  std::deque<Segment> segments_;  // oldest first
  bool writing_ = false;          // this process appends to the last of them
  std::map<vision::Hash, Record> index_;
  uint64_t bytes_ = 0, dropped_ = 0;
};

}  // namespace troika::engine
