#include "npu/sim/host_buffer.h"

#include <algorithm>
#include <cstring>

#include "npu/sim/fault.h"

namespace troika::npu::sim {

void HostBuffer::to_device(size_t offset, size_t bytes) {
  check(offset + bytes <= size(), "range of a buffer");
  std::memcpy(&device_[offset], &host_[offset], bytes);
  std::memcpy(&synchronised_[offset], &host_[offset], bytes);
}

void HostBuffer::from_device(size_t offset, size_t bytes) {
  check(offset + bytes <= size(), "range of a buffer");
  std::memcpy(&host_[offset], &device_[offset], bytes);
  std::memcpy(&synchronised_[offset], &device_[offset], bytes);
}

void HostBuffer::read(size_t offset, std::span<std::byte> out) const {
  auto begin = host_.begin() + std::ptrdiff_t(offset), end = begin + std::ptrdiff_t(out.size());
  auto differs = std::mismatch(begin, end, synchronised_.begin() + std::ptrdiff_t(offset)).first;
  if (differs != end)
    fault(FaultKind::not_synchronised,
          "The array reads byte {} of a buffer, where the host wrote {:#04x} that was not synchronised.",
          differs - host_.begin(), std::to_integer<int>(*differs));
  std::memcpy(out.data(), &device_[offset], out.size());
}

void HostBuffer::write(size_t offset, std::span<const std::byte> in) {
  std::memcpy(&device_[offset], in.data(), in.size());
}

}  // namespace troika::npu::sim
