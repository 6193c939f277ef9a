// Buffers in ordinary memory, for devices that compute on the host.
#pragma once

#include "device/device.h"

namespace troika::device {

// Zeroed and 64-byte aligned; pages cost nothing before they are touched. Throws Error when there is no room.
std::shared_ptr<Buffer> allocate_host(size_t bytes);
// For what is written once and read whole in every step: on huge pages where the system has them, so that reading it
// takes few address translations. A page lies on the NUMA node of the thread that writes to it first; nothing else is
// done about nodes.
std::shared_ptr<Buffer> allocate_huge(size_t bytes);

// Hands out many buffers as allocate_huge() does, the smaller ones as neighbours in chunks that they share, 64-byte
// aligned: a matrix of less than a huge page gets one all the same, and a process, which may have 65,530 mappings, can
// hold a mixture of experts. A chunk lives as long as any buffer in it. One thread at a time.
class HugeChunks {
 public:
  std::shared_ptr<Buffer> allocate(size_t bytes);  // throws Error when there is no room

 private:
  std::shared_ptr<Buffer> chunk_;
  size_t used_ = 0;
};

std::shared_ptr<Buffer> wrap_host(HostRegion region);  // the caller keeps the region alive

}  // namespace troika::device
