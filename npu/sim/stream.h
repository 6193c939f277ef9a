// A stream: words from one sender to all of its receivers. Each receiver has a little room; the sender waits until there
// is some at all of them. Who has a word knows that what its sender did before is done.
#pragma once

#include <algorithm>
#include <coroutine>
#include <deque>
#include <span>
#include <vector>

#include "npu/sim/agent.h"
#include "npu/sim/clock.h"

namespace troika::npu::sim {

// Words that go at once, and the room of a receiver: more would hide designs that need more than the switches hold.
constexpr uint32_t kChunkWords = 32;

class Stream {
 public:
  Stream(Clock& clock, Races& races, size_t receivers) : clock_(clock), races_(races), receivers_(receivers) {}

  struct Room {
    Stream& stream;
    Agent& who;
    uint32_t words;
    bool await_ready() const { return stream.has_room(words); }
    void await_suspend(std::coroutine_handle<> handle) {
      who.waits_for = "room in its stream";
      stream.sender_ = handle;
      stream.wanted_ = words;
    }
    void await_resume() { who.waits_for.clear(); }
  };
  // For one sender, which may send that many then.
  Room room(Agent& who, uint32_t words) { return {*this, who, words}; }

  void send(const Agent& who, std::span<const uint32_t> words) {
    races_.release(who.party, sent_);
    for (Receiver& receiver : receivers_) {
      receiver.words.insert(receiver.words.end(), words.begin(), words.end());
      if (receiver.waiting) clock_.resume_now(std::exchange(receiver.waiting, nullptr));
    }
  }

  struct Words {
    Stream& stream;
    Agent& who;
    size_t receiver;
    bool await_ready() const { return !stream.receivers_[receiver].words.empty(); }
    void await_suspend(std::coroutine_handle<> handle) {
      who.waits_for = "words of its stream";
      stream.receivers_[receiver].waiting = handle;
    }
    void await_resume() { who.waits_for.clear(); }
  };
  // Until there are some.
  Words words(Agent& who, size_t receiver) { return {*this, who, receiver}; }

  size_t available(size_t receiver) const { return receivers_[receiver].words.size(); }

  void take(const Agent& who, size_t receiver, std::span<uint32_t> out) {
    races_.acquire(who.party, sent_);
    std::deque<uint32_t>& words = receivers_[receiver].words;
    std::copy_n(words.begin(), out.size(), out.begin());
    words.erase(words.begin(), words.begin() + std::ptrdiff_t(out.size()));
    if (sender_ && has_room(wanted_)) clock_.resume_now(std::exchange(sender_, nullptr));
  }

 private:
  struct Receiver {
    std::deque<uint32_t> words;
    std::coroutine_handle<> waiting;
  };
  bool has_room(uint32_t words) const {
    for (const Receiver& receiver : receivers_)
      if (receiver.words.size() + words > kChunkWords) return false;
    return true;
  }

  Clock& clock_;
  Races& races_;
  Races::Message sent_;
  std::vector<Receiver> receivers_;
  std::coroutine_handle<> sender_;
  uint32_t wanted_ = 0;
};

}  // namespace troika::npu::sim
