// A buffer that the host shares with the array. The two do not see each other's writes until a range is synchronised, as
// with the real thing, where caches lie between them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace troika::npu::sim {

class HostBuffer {
 public:
  explicit HostBuffer(size_t bytes) : own_(bytes), host_(own_), device_(bytes), synchronised_(bytes) {}
  // The caller's memory, which stays.
  explicit HostBuffer(std::span<std::byte> host) : host_(host), device_(host.size()), synchronised_(host.size()) {}
  HostBuffer(HostBuffer&&) = default;

  size_t size() const { return host_.size(); }

  // The host's view, to read and write.
  std::span<std::byte> host() { return host_; }
  void to_device(size_t offset, size_t bytes);
  void from_device(size_t offset, size_t bytes);

  // The device's view. Reading throws Fault where the host wrote and did not synchronise.
  void read(size_t offset, std::span<std::byte> out) const;
  void write(size_t offset, std::span<const std::byte> in);

 private:
  std::vector<std::byte> own_;
  std::span<std::byte> host_;
  std::vector<std::byte> device_;
  std::vector<std::byte> synchronised_;  // host_ as it was when a byte was last synchronised
};

}  // namespace troika::npu::sim
