// A shim tile's registers, as instruction streams write them: sixteen buffer descriptors of eight words, and for each
// channel a control word and a queue of tasks.
//
//   word 0  length in words                  word 4  burst<<30 | D1 size<<20 | D1 stride − 1
//   word 1  address, low                     word 5  cache<<24 | D2 stride − 1
//   word 2  address, high 16 bits            word 6  (iterations − 1)<<20 | iteration stride − 1
//   word 3  D0 size<<20 | D0 stride − 1      word 7  valid<<25; locks and a next descriptor, which we do not use
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "npu/txn/operations.h"

namespace troika::npu::txn {

constexpr uint32_t kShimDescriptors = 0x1d000, kShimDescriptorBytes = 0x20, kShimDescriptorWords = 8;
constexpr uint32_t kShimChannels = 0x1d200;  // S2MM 0, S2MM 1, MM2S 0, MM2S 1: control, then queue
constexpr uint32_t kChannelBytes = 8, kMm2sChannels = 0x10;

constexpr uint32_t kTokenRoute = 0xf00;       // control: tokens go to the controller …
constexpr uint32_t kTokenRouteMask = 0x1f00;  // … which these bits say
constexpr uint32_t kTaskToken = 1u << 31;     // queue: tell when the task is done

// Locks of a core, whose data memory begins at 0.
constexpr uint32_t kCoreLocks = 0x1f000, kLockBytes = 0x10;

constexpr uint32_t control_of(const Port& port) {
  return kShimChannels + (port.direction == Direction::mm2s ? kMm2sChannels : 0) + uint32_t(port.channel) * kChannelBytes;
}
constexpr uint32_t queue_of(const Port& port) { return control_of(port) + 4; }
constexpr uint32_t descriptor_of(int number) { return kShimDescriptors + uint32_t(number) * kShimDescriptorBytes; }

// Moves `words` between an argument and a stream. All steps are in words; a step of 1 and no size is one word after the
// other. Of the third dimension only the step is said: it goes on until the length is reached.
struct Transfer {
  Port port;
  int descriptor = 0;
  uint32_t argument = 0, offset = 0;  // bytes
  uint32_t words = 0;
  uint32_t size0 = 0, size1 = 0;
  std::array<uint32_t, 3> stride = {1, 1, 1};
  uint32_t iterations = 1, iteration_stride = 1;  // added at each repetition, going round after so many
  uint32_t repeats = 1;
  bool token = false;
};

// Appends the operations that start a transfer.
void start(std::vector<Operation>& stream, const Transfer& transfer);

// What the eight words of a descriptor say; the address is that of the device.
struct Descriptor {
  uint64_t address = 0;
  uint32_t words = 0, size0 = 0, size1 = 0;
  std::array<uint32_t, 3> stride = {1, 1, 1};
  uint32_t iterations = 1, iteration_stride = 1;
  bool valid = false, plain = true;  // plain: no locks, packets or chains
};
Descriptor read_descriptor(std::span<const uint32_t, kShimDescriptorWords> words);

}  // namespace troika::npu::txn
