// Finds accesses to the same bytes that nothing orders, also where they did not meet this time. Each party has a vector clock;
// a lock, a stream, a task or a token carries the clock of who released it to who acquires it. Two accesses, one of them
// writing, are a race unless the second party has heard of the first party's time then. A lock and a stream have one clock for
// all that was released to them: who acquires counts as told of the latest, so a race that only another timing shows may stay
// unseen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troika::npu::sim {

class Races {
 public:
  using Party = int;
  using Times = std::vector<uint32_t>;  // by party

  // What one party leaves for another.
  struct Message {
    Times times;
  };

  Party add_party(std::string name);
  int add_memory();

  void release(Party from, Message& into);
  void acquire(Party by, const Message& from);

  // Throws Fault. `what`: of the memory, for the sentence.
  void access(Party by, int memory, uint64_t begin, uint64_t end, bool writes, std::string_view what);

 private:
  struct Access {
    uint64_t begin, end;
    Party by;
    uint32_t time;
    bool writes;
  };
  bool heard_of(Party party, const Access& access) const;

  std::vector<std::string> parties_;
  std::vector<Times> times_;                   // what each party has heard, by party
  std::vector<std::vector<Access>> accesses_;  // by memory: those that a later one could race with
};

}  // namespace troika::npu::sim
