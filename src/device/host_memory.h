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
std::shared_ptr<Buffer> wrap_host(HostRegion region);  // the caller keeps the region alive

}  // namespace troika::device
