#include "npu/sim/shim.h"

#include "npu/sim/fault.h"
#include "npu/sim/walk.h"

namespace troika::npu::sim {
namespace {

// A size of nothing goes on for ever, as the third dimension does.
Walk walk_of(const txn::Descriptor& d) {
  std::vector<Dimension> dimensions;
  for (auto [size, stride] : {std::pair(d.size0, d.stride[0]), {d.size1, d.stride[1]}, {0u, d.stride[2]}}) {
    dimensions.push_back({size ? size : kUnbounded, stride});
    if (!size) break;
  }
  return Walk(d.words, std::move(dimensions));
}

}  // namespace

void ShimChannel::queue(const Agent& by, Task task) {
  if (tasks_.size() >= size_t(kQueuedTasks))
    fault(FaultKind::queue_overflow, "The stream queues a task more than the {} that {} holds.", kQueuedTasks, agent.name);
  if (task.token && (control & txn::kTokenRouteMask) != txn::kTokenRoute)
    fault(FaultKind::lost_token, "The stream asks {} for a token, but its control register does not send it anywhere.",
          agent.name);
  races_.release(by.party, task.told);
  tasks_.push_back(std::move(task));
  if (waiting_for_task_) clock_.resume_now(std::exchange(waiting_for_task_, nullptr));
}

bool ShimChannel::needs(int descriptor) const {
  for (const Task& task : tasks_)
    if (task.descriptor == descriptor) return true;
  return false;
}

Process ShimChannel::run(HostMemory& memory, const std::vector<uint32_t>& registers, std::vector<uint32_t>& iterations) {
  const bool writes = receiver_.has_value();
  std::array<uint32_t, kChunkWords> words;
  for (;;) {
    co_await AwaitTask{*this};
    const Task& task = tasks_.front();
    races_.acquire(agent.party, task.told);
    const auto descriptor = txn::read_descriptor(std::span<const uint32_t, txn::kShimDescriptorWords>(
        &registers[size_t(task.descriptor) * txn::kShimDescriptorWords], txn::kShimDescriptorWords));
    if (!descriptor.valid || !descriptor.plain || descriptor.words == 0)
      fault(FaultKind::bad_descriptor, "{} starts descriptor {}, which {}.", agent.name, task.descriptor,
            !descriptor.valid  ? "is not valid"
            : descriptor.words ? "has locks, packets or a chain, which no design of ours has"
                               : "moves nothing");
    for (uint32_t repeat = 0; repeat < task.repeats; ++repeat) {
      const uint32_t iteration = iterations[size_t(task.descriptor)]++ % descriptor.iterations;
      const uint64_t base = descriptor.address + 4 * uint64_t{iteration} * descriptor.iteration_stride;
      for (Walk walk = walk_of(descriptor); walk.left();) {  // first the whole way, in long runs
        const Walk::Run run = walk.next(kUnbounded);
        memory.announce(agent, base + 4 * run.word, 4 * uint64_t{run.words}, writes);
      }
      Walk walk = walk_of(descriptor);
      while (walk.left()) {
        if (writes) {
          co_await stream_.words(agent, *receiver_);
          const Walk::Run run = walk.next(uint32_t(stream_.available(*receiver_)));
          const std::span<uint32_t> chunk(words.data(), run.words);
          stream_.take(agent, *receiver_, chunk);
          co_await clock_.sleep_until(memory.reserve(chunk.size_bytes(), true));
          memory.write(agent, base + 4 * run.word, chunk);
        } else {
          const Walk::Run run = walk.next(kChunkWords);
          co_await stream_.room(agent, run.words);
          const std::span<uint32_t> chunk(words.data(), run.words);
          const uint64_t arrives = std::max(clock_.now() + run.words, memory.reserve(chunk.size_bytes(), false));
          co_await clock_.sleep_until(arrives);
          memory.read(agent, base + 4 * run.word, chunk);
          stream_.send(agent, chunk);
        }
      }
    }
    if (task.token) {
      races_.release(agent.party, tokens_.emplace_back());
      if (waiting_for_token_) clock_.resume_now(std::exchange(waiting_for_token_, nullptr));
    }
    tasks_.pop_front();
  }
}

}  // namespace troika::npu::sim
