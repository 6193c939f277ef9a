// The simulated array's parts, put together from a design.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "npu/sim/agent.h"
#include "npu/sim/clock.h"
#include "npu/sim/host_memory.h"
#include "npu/sim/lock.h"
#include "npu/sim/shim.h"
#include "npu/sim/simulator.h"
#include "npu/sim/stream.h"
#include "npu/txn/operations.h"

namespace troika::npu::sim {

class Array {
 public:
  Array(const DesignSpec& design, const Options& options);

  Report run(std::span<const txn::Operation> operations, std::span<HostBuffer* const> arguments);

 private:
  struct TileMemory {
    std::vector<std::byte> bytes;
    int races = 0;  // the detector's number for it
  };
  struct ShimTile {
    std::vector<uint32_t> descriptors, iterations;
  };
  // Where a channel's words come from or go to.
  struct End {
    Stream* stream = nullptr;
    std::optional<size_t> receiver;
  };

  // Programs that run for ever, and the one that carries out a stream.
  Process run_channel(const ChannelSpec& spec, Agent& agent, End end);
  Process run_core(const CoreSpec& spec, Agent& agent);
  Process run_stream(std::span<const txn::Operation> operations);

  void start(Process process);
  End end_of(const Port& port);

  void write_register(uint32_t reg, uint32_t value);
  void write_shim(Tile tile, uint32_t address, uint32_t value);
  void write_core(Tile tile, uint32_t address, uint32_t value);
  ShimChannel* shim_channel(const Port& port);
  uint32_t& shim_control(Tile tile, uint32_t address);

  TileMemory& memory_of(Tile tile);
  std::span<std::byte> bytes_of(const BufferSpec& buffer);
  void access(const Agent& who, const BufferSpec& buffer, uint64_t offset, uint64_t bytes, bool writes);
  uint32_t trips_of(const CoreStep& step, const Agent& agent);
  void call(const kernels::Kernel& kernel, const CoreStep& step, const Agent& agent);

  [[noreturn]] void tell_deadlock();
  void expect_nothing_left_over();

  const DesignSpec design_;
  const Options options_;
  Clock clock_;
  Races races_;
  HostMemory host_;
  Agent controller_;
  std::vector<std::unique_ptr<Lock>> locks_;                  // by the design's numbers
  std::vector<std::unique_ptr<Stream>> streams_;              // by flow
  std::vector<std::unique_ptr<ShimChannel>> shim_channels_;   // by the design's shims
  std::vector<std::unique_ptr<Agent>> agents_;                // of channels, then of cores
  std::map<int, TileMemory> memories_;
  std::map<int, ShimTile> shim_tiles_;
  std::vector<Process> processes_;
  uint64_t kernel_calls_ = 0;
};

}  // namespace troika::npu::sim
