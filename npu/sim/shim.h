// A shim tile's channels and registers. Instruction streams write descriptors and queue tasks; channels carry the tasks
// out, one after the other, between the host's memory and their stream.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "npu/sim/agent.h"
#include "npu/sim/clock.h"
#include "npu/sim/host_memory.h"
#include "npu/sim/stream.h"
#include "npu/txn/shim.h"

namespace troika::npu::sim {

struct Task {
  int descriptor = 0;
  uint32_t repeats = 1;
  bool token = false;
  Races::Message told;  // by who queued it
};

class ShimChannel {
 public:
  ShimChannel(const Port& port, Clock& clock, Races& races, Stream& stream, std::optional<size_t> receiver)
      : port(port), agent{to_text(port), races.add_party(to_text(port)), {}}, clock_(clock), races_(races), stream_(stream),
        receiver_(receiver) {}

  const Port port;
  Agent agent;
  uint32_t control = 0;

  void queue(const Agent& by, Task task);
  bool busy() const { return !tasks_.empty(); }
  bool needs(int descriptor) const;

  // Carries out tasks for ever. `registers`: eight words of each descriptor of the tile; `iterations`: how often each ran.
  Process run(HostMemory& memory, const std::vector<uint32_t>& registers, std::vector<uint32_t>& iterations);

  struct AwaitToken {
    ShimChannel& channel;
    Agent& who;
    bool await_ready() const { return !channel.tokens_.empty(); }
    void await_suspend(std::coroutine_handle<> handle) {
      who.waits_for = "a token of " + channel.agent.name;
      channel.waiting_for_token_ = handle;
    }
    void await_resume() {
      who.waits_for.clear();
      channel.races_.acquire(who.party, channel.tokens_.front());
      channel.tokens_.pop_front();
    }
  };
  AwaitToken token(Agent& who) { return {*this, who}; }

 private:
  struct AwaitTask {
    ShimChannel& channel;
    bool await_ready() const { return !channel.tasks_.empty(); }
    void await_suspend(std::coroutine_handle<> handle) { channel.waiting_for_task_ = handle; }
    void await_resume() const {}
  };

  Clock& clock_;
  Races& races_;
  Stream& stream_;
  std::optional<size_t> receiver_;  // of the stream; none: this channel sends
  std::deque<Task> tasks_;          // the first one is running
  std::deque<Races::Message> tokens_;
  std::coroutine_handle<> waiting_for_task_, waiting_for_token_;
};

}  // namespace troika::npu::sim
