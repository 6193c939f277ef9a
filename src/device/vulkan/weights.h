// Brings weights into the GPU's memory, in panels (panels.h), by several threads.
#pragma once

#include <map>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {

class WeightLoader {
 public:
  explicit WeightLoader(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  std::shared_ptr<GpuWeight> load(const WeightView& view);
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

  const std::shared_ptr<Context> context_;
  std::shared_ptr<GpuBuffer> chunk_;
  size_t used_ = 0, bytes_ = 0;
  std::map<Format, std::shared_ptr<GpuBuffer>> tables_;
};

}  // namespace troika::device::vulkan
