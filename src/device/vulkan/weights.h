// Brings weights into the GPU's memory, in panels (panels.h): several threads read a file piece by piece, so that this
// process holds a few MB of it at a time, and the system no more where memory is short.
#pragma once

#include <map>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {

class WeightLoader {
 public:
  // file_stays: the system may keep its cached copy of the files that weights come from.
  WeightLoader(std::shared_ptr<Context> context, bool file_stays) : context_(std::move(context)), file_stays_(file_stays) {}

  std::shared_ptr<GpuWeight> load(const WeightView& view);  // throws Error when the file cannot be read
  size_t bytes() const { return bytes_; }

 private:
  // A piece of a chunk, which lives as long as any weight in it.
  struct Piece {
    std::shared_ptr<GpuBuffer> buffer;
    size_t offset;
  };
  Piece place(size_t bytes);
  VkDeviceAddress tables(const PanelFormat& format);  // of its code book; 0: it has none
  std::shared_ptr<GpuWeight> load_vector(const WeightView& view);
  const std::byte* in_memory(const WeightView& view, std::span<const std::byte> part, std::vector<std::byte>& read) const;
  void pack(const WeightView& view, const PanelFormat& format, std::byte* panels) const;

  const std::shared_ptr<Context> context_;
  const bool file_stays_;
  std::shared_ptr<GpuBuffer> chunk_;
  size_t used_ = 0, bytes_ = 0;
  std::map<Format, std::shared_ptr<GpuBuffer>> tables_;
};

}  // namespace troika::device::vulkan
