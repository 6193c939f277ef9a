#include "npu/sim/host_memory.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "npu/sim/fault.h"

namespace troika::npu::sim {
namespace {

// Arguments lie far apart, so that no offset leads from one into another, and none lies at 0.
constexpr int kArgumentShift = 40;

}  // namespace

HostMemory::HostMemory(Clock& clock, Races& races, const Calibration& calibration) : clock_(clock), races_(races) {
  read_.bytes_per_cycle = calibration.read_gb_s / calibration.clock_ghz;
  written_.bytes_per_cycle = calibration.write_gb_s / calibration.clock_ghz;
}

void HostMemory::set_arguments(std::span<HostBuffer* const> arguments) {
  arguments_.assign(arguments.begin(), arguments.end());
  memories_.clear();
  for (size_t i = 0; i < arguments.size(); ++i) memories_.push_back(races_.add_memory());
}

uint64_t HostMemory::address(uint32_t argument, uint32_t offset) const {
  if (argument >= arguments_.size())
    fault(FaultKind::out_of_bounds, "The stream names argument {}, but the run was given {}.", argument, arguments_.size());
  return (uint64_t{argument} + 1) << kArgumentShift | offset;
}

HostMemory::Place HostMemory::locate(const Agent& who, uint64_t address, uint64_t bytes) const {
  uint64_t argument = (address >> kArgumentShift) - 1, offset = address & ((uint64_t{1} << kArgumentShift) - 1);
  if (argument >= arguments_.size())
    fault(FaultKind::out_of_bounds, "{} goes to address {:#x}, which no argument has; is the address patched in?", who.name,
          address);
  if (offset + bytes > arguments_[argument]->size())
    fault(FaultKind::out_of_bounds, "{} goes to bytes {} to {} of argument {}, which has {}.", who.name, offset,
          offset + bytes, argument, arguments_[argument]->size());
  return {argument, offset};
}

void HostMemory::announce(const Agent& who, uint64_t address, uint64_t bytes, bool writes) {
  Place place = locate(who, address, bytes);
  races_.access(who.party, memories_[place.argument], place.offset, place.offset + bytes, writes,
                fmt::format("argument {}", place.argument));
}

void HostMemory::read(const Agent& who, uint64_t address, std::span<uint32_t> out) {
  Place place = locate(who, address, out.size_bytes());
  arguments_[place.argument]->read(place.offset, std::as_writable_bytes(out));
}

void HostMemory::write(const Agent& who, uint64_t address, std::span<const uint32_t> in) {
  Place place = locate(who, address, in.size_bytes());
  arguments_[place.argument]->write(place.offset, std::as_bytes(in));
}

uint64_t HostMemory::reserve(uint64_t bytes, bool writes) {
  Lane& lane = writes ? written_ : read_;
  lane.bytes += bytes;
  lane.free_at = std::max(lane.free_at, double(clock_.now())) + double(bytes) / lane.bytes_per_cycle;
  return uint64_t(std::ceil(lane.free_at));
}

}  // namespace troika::npu::sim
