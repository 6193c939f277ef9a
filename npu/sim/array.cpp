#include "npu/sim/array.h"

#include <algorithm>
#include <cstring>
#include <fmt/ranges.h>

#include "npu/sim/walk.h"

namespace troika::npu::sim {
namespace {

constexpr uint64_t kLockCycles = 10;  // of a core, for acquiring or releasing: assumed

uint64_t cycles_of(const kernels::Kernel& kernel, const Calibration& calibration) {
  return uint64_t(double(kernel.matrix_cycles) / calibration.efficiency) + uint64_t(kernel.vector_cycles);
}

}  // namespace

Array::Array(const DesignSpec& design, const Options& options)
    : design_(design), options_(options), host_(clock_, races_, options.calibration),
      controller_{"the stream", races_.add_party("the stream"), {}} {
  for (const LockSpec& lock : design_.locks) locks_.push_back(std::make_unique<Lock>(lock, clock_, races_));
  for (const FlowSpec& flow : design_.flows) streams_.push_back(std::make_unique<Stream>(clock_, races_, flow.to.size()));
  auto add_memory = [&](Tile tile) {
    auto [it, added] = memories_.try_emplace(number_of(tile));
    if (added) it->second = {std::vector<std::byte>(limits_of(tile).memory_bytes), races_.add_memory()};
  };
  for (const BufferSpec& buffer : design_.buffers) add_memory(buffer.tile);
  for (const ShimSpec& shim : design_.shims) {
    End end = end_of(shim.port);
    shim_channels_.push_back(std::make_unique<ShimChannel>(shim.port, clock_, races_, *end.stream, end.receiver));
    constexpr size_t kCount = size_t(kShimLimits.descriptors);
    shim_tiles_[number_of(shim.port.tile)] = {std::vector<uint32_t>(kCount * txn::kShimDescriptorWords),
                                              std::vector<uint32_t>(kCount)};
  }
  auto add_agent = [&](std::string name) -> Agent& {
    Races::Party party = races_.add_party(name);
    return *agents_.emplace_back(std::make_unique<Agent>(Agent{std::move(name), party, {}}));
  };
  for (auto& channel : shim_channels_) {
    ShimTile& tile = shim_tiles_[number_of(channel->port.tile)];
    start(channel->run(host_, tile.descriptors, tile.iterations));
  }
  for (const ChannelSpec& channel : design_.channels)
    start(run_channel(channel, add_agent(to_text(channel.port)), end_of(channel.port)));
  for (const CoreSpec& core : design_.cores) start(run_core(core, add_agent(to_text(core.tile))));
}

void Array::start(Process process) {
  clock_.resume_now(process.handle());
  processes_.push_back(std::move(process));
}

Array::End Array::end_of(const Port& port) {
  for (size_t i = 0; i < design_.flows.size(); ++i) {
    const FlowSpec& flow = design_.flows[i];
    if (flow.from == port) return {streams_[i].get(), std::nullopt};
    auto receiver = std::find(flow.to.begin(), flow.to.end(), port);
    if (receiver != flow.to.end()) return {streams_[i].get(), size_t(receiver - flow.to.begin())};
  }
  check(false, "a stream for every channel");
  return {};
}

Report Array::run(std::span<const txn::Operation> operations, std::span<HostBuffer* const> arguments) {
  const Calibration& calibration = options_.calibration;
  host_.set_arguments(arguments);
  Report before{clock_.now(), 0, host_.bytes_read(), host_.bytes_written(), kernel_calls_};
  auto limit = before.cycles + uint64_t(calibration.time_out_ms * calibration.clock_ghz * 1e6);

  Process stream = run_stream(operations);
  clock_.resume_now(stream.handle());
  uint64_t end = 0;
  while (clock_.step()) {
    if (clock_.now() > limit)
      fault(FaultKind::time_out, "The run takes more than {} ms: the driver takes the NPU for dead and resets it.",
            calibration.time_out_ms);
    if (!end && stream.done()) end = clock_.now();
  }
  if (!stream.done()) tell_deadlock();
  expect_nothing_left_over();

  uint64_t cycles = end - before.cycles;
  return {cycles, double(cycles) / (calibration.clock_ghz * 1e9) + calibration.launch_us * 1e-6,
          host_.bytes_read() - before.bytes_read, host_.bytes_written() - before.bytes_written,
          kernel_calls_ - before.kernel_calls};
}

// What a channel of a memory tile or a core does for ever.
Process Array::run_channel(const ChannelSpec& spec, Agent& agent, End end) {
  const bool writes = spec.port.direction == Direction::s2mm;
  std::array<uint32_t, kChunkWords> words;
  const DescriptorSpec* descriptor = &spec.descriptors[0];
  while (descriptor) {
    const BufferSpec& buffer = design_.buffers[size_t(descriptor->buffer)];
    if (descriptor->acquire) {
      Lock& lock = *locks_[size_t(descriptor->acquire->lock)];
      co_await lock.acquire(agent, descriptor->acquire->value);
    }
    for (Walk way(descriptor->words, descriptor->walk); way.left();) {
      const Walk::Run run = way.next(kUnbounded);
      access(agent, buffer, descriptor->offset + 4 * run.word, 4 * uint64_t{run.words}, writes);
    }
    std::byte* bytes = bytes_of(buffer).data() + descriptor->offset;
    Walk walk(descriptor->words, descriptor->walk);
    while (walk.left()) {
      if (writes) {
        co_await end.stream->words(agent, *end.receiver);
        const Walk::Run run = walk.next(uint32_t(end.stream->available(*end.receiver)));
        end.stream->take(agent, *end.receiver, {words.data(), run.words});
        std::memcpy(bytes + 4 * run.word, words.data(), 4 * size_t{run.words});
      } else {
        const Walk::Run run = walk.next(kChunkWords);
        co_await end.stream->room(agent, run.words);
        co_await clock_.sleep(run.words);
        std::memcpy(words.data(), bytes + 4 * run.word, 4 * size_t{run.words});
        end.stream->send(agent, {words.data(), run.words});
      }
    }
    if (descriptor->release) locks_[size_t(descriptor->release->lock)]->release(agent, descriptor->release->value);
    const DescriptorSpec* next = nullptr;
    for (const DescriptorSpec& other : spec.descriptors)
      if (descriptor->next == other.number) next = &other;
    descriptor = next;
  }
}

Process Array::run_core(const CoreSpec& spec, Agent& agent) {
  struct Loop {
    size_t begin;
    uint32_t left;
  };
  std::vector<Loop> loops;
  const std::vector<CoreStep>& program = spec.program;
  for (size_t at = 0;; at = (at + 1) % program.size()) {
    const CoreStep& step = program[at];
    switch (step.kind) {
      case CoreStep::Kind::acquire: {
        Lock& lock = *locks_[size_t(step.lock.lock)];
        co_await clock_.sleep(kLockCycles);
        co_await lock.acquire(agent, step.lock.value);
        break;
      }
      case CoreStep::Kind::release:
        co_await clock_.sleep(kLockCycles);
        locks_[size_t(step.lock.lock)]->release(agent, step.lock.value);
        break;
      case CoreStep::Kind::call: {
        const kernels::Kernel& kernel = *options_.find_kernel(step.kernel);
        for (size_t i = 0; i < step.buffers.size(); ++i) {
          const kernels::Argument& argument = kernel.arguments[i];
          access(agent, design_.buffers[size_t(step.buffers[i])], 0, argument.bytes, argument.access != kernels::Access::read);
        }
        co_await clock_.sleep(cycles_of(kernel, options_.calibration));
        call(kernel, step, agent);
        break;
      }
      case CoreStep::Kind::repeat: {
        const uint32_t trips = trips_of(step, agent);
        if (trips > 0) {
          loops.push_back({at, trips});
          break;
        }
        for (int depth = 1; depth > 0;) {
          ++at;
          depth += program[at].kind == CoreStep::Kind::repeat;
          depth -= program[at].kind == CoreStep::Kind::end;
        }
        break;
      }
      case CoreStep::Kind::end:
        if (--loops.back().left > 0) at = loops.back().begin;
        else loops.pop_back();
        break;
    }
  }
}

uint32_t Array::trips_of(const CoreStep& step, const Agent& agent) {
  if (step.buffers.empty()) return step.trips;
  const BufferSpec& buffer = design_.buffers[size_t(step.buffers[0])];
  access(agent, buffer, step.offset, 4, false);
  uint32_t trips;
  std::memcpy(&trips, bytes_of(buffer).data() + step.offset, 4);
  return trips;
}

// Runs a kernel and sees that it wrote nothing but what it may.
void Array::call(const kernels::Kernel& kernel, const CoreStep& step, const Agent& agent) {
  ++kernel_calls_;
  std::vector<std::byte>& memory = memory_of(design_.buffers[size_t(step.buffers[0])].tile).bytes;
  std::vector<std::byte> before = memory;
  std::vector<std::byte*> buffers;
  for (int buffer : step.buffers) buffers.push_back(bytes_of(design_.buffers[size_t(buffer)]).data());
  kernel.run(buffers);
  for (size_t i = 0; i < buffers.size(); ++i)  // what it may write is the same again
    if (kernel.arguments[i].access != kernels::Access::read)
      std::memcpy(&before[size_t(buffers[i] - memory.data())], buffers[i], kernel.arguments[i].bytes);
  auto differs = std::mismatch(memory.begin(), memory.end(), before.begin()).first;
  if (differs != memory.end())
    fault(FaultKind::overrun, "{} on {} wrote byte {} of its memory, which is in none of the buffers it may write.",
          kernel.name, agent.name, differs - memory.begin());
}

Array::TileMemory& Array::memory_of(Tile tile) { return memories_.at(number_of(tile)); }

std::span<std::byte> Array::bytes_of(const BufferSpec& buffer) {
  return std::span(memory_of(buffer.tile).bytes).subspan(buffer.address, buffer.bytes);
}

void Array::access(const Agent& who, const BufferSpec& buffer, uint64_t offset, uint64_t bytes, bool writes) {
  uint64_t begin = buffer.address + offset;
  races_.access(who.party, memory_of(buffer.tile).races, begin, begin + bytes, writes,
                fmt::format("buffer {} of {}", buffer.name, to_text(buffer.tile)));
}

void Array::tell_deadlock() {
  std::vector<std::string> waiting{fmt::format("the stream waits for {}", controller_.waits_for)};
  auto add = [&](const Agent& agent) {
    if (!agent.waits_for.empty()) waiting.push_back(fmt::format("{} waits for {}", agent.name, agent.waits_for));
  };
  for (const auto& channel : shim_channels_) add(channel->agent);
  for (const auto& agent : agents_) add(*agent);
  std::vector<std::string> locks;
  for (size_t i = 0; i < locks_.size(); ++i) {
    const LockSpec& lock = design_.locks[i];
    locks.push_back(fmt::format("{} of {} = {}", lock.name, to_text(lock.tile), locks_[i]->value()));
  }
  fault(FaultKind::deadlock, "Nothing can go on after cycle {}: {}. Locks: {}.", clock_.now(), fmt::join(waiting, "; "),
        fmt::join(locks, ", "));
}

void Array::expect_nothing_left_over() {
  for (const auto& channel : shim_channels_)
    if (channel->busy())
      fault(FaultKind::left_over, "The stream is done, but {} is not: it waits for {}.", channel->agent.name,
            channel->agent.waits_for);
  for (size_t i = 0; i < streams_.size(); ++i)
    for (size_t j = 0; j < design_.flows[i].to.size(); ++j)
      if (streams_[i]->available(j))
        fault(FaultKind::left_over, "The stream is done, but {} words from {} were taken by nobody.",
              streams_[i]->available(j), to_text(design_.flows[i].from));
}

}  // namespace troika::npu::sim
