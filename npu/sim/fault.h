// What a run on the simulated array can die of. The sentence tells where; the kind is for tests and for who goes on.
#pragma once

#include "base/error.h"

namespace troika::npu::sim {

enum class FaultKind {
  deadlock,           // nothing can go on, and the stream is not done
  left_over,          // the stream is done, but transfers are not
  time_out,           // the driver would have ended the run
  queue_overflow,     // more tasks than a channel holds
  busy_descriptor,    // written while a task needs it
  bad_descriptor,     // started without being valid
  bad_register,       // no such thing in this design
  lost_token,         // asked for, but not routed to the controller
  lock_overflow,      // above 63
  out_of_bounds,      // of an argument
  overrun,            // a kernel wrote beside its buffers
  race,               // two parties at the same bytes, with nothing between them
  not_synchronised,   // the host wrote, but did not say so
};

class Fault : public Error {
 public:
  Fault(FaultKind kind, const std::string& sentence) : Error(sentence), kind(kind) {}
  const FaultKind kind;
};

template <typename... Args>
[[noreturn]] void fault(FaultKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Fault(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace troika::npu::sim
