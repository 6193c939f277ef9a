// Copying matrices into panels (kernels/panel.h): all threads of the pool at once, each piece read from the file, packed
// and forgotten, so that memory holds the panels and little more. What must come from a disk is packed while the model is
// loaded; what the system has in memory anyway can be put off, so that the first answer need not wait: until its panels
// are there a weight is read where the file is mapped, with the same results.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "device/cpu/compiler.h"
#include "device/cpu/thread_pool.h"
#include "device/host_memory.h"
#include "device/room.h"

namespace troika::device::cpu {

// What the panels may take (device/room.h).
//
//   panels beyond `room`    stay out: the weight is read where the file is mapped
//   twice the file > `room` the system need not keep its cached copy of what is in panels. Decided once, for panels as
//                           large as the file.
class RepackBudget {
 public:
  // `file_bytes`: of the files that the weights come from; 0: unknown, they stay cached.
  explicit RepackBudget(size_t available_bytes, size_t file_bytes = 0)
      : room_(room_for_weights(available_bytes)), file_stays_(file_may_stay(available_bytes, file_bytes)) {}
  bool take(size_t bytes) {
    if (bytes > room_ - taken_) return false;
    taken_ += bytes;
    return true;
  }
  void give_back(size_t bytes) { taken_ -= bytes; }
  // Rows that are looked up are read from the file's mapping for ever.
  bool keeps_file_cached(WeightUse use) const { return use.looked_up || file_stays_; }
  bool file_stays() const { return file_stays_; }
  size_t room() const { return room_; }
  size_t taken() const { return taken_; }

 private:
  size_t room_, taken_ = 0;
  bool file_stays_;
};

// What a matrix takes in panels, to be multiplied in `arithmetic`; 0: its format has none.
size_t packed_bytes(Format format, kernels::Arithmetic arithmetic, int rows, int columns);

class Repacker {
 public:
  Repacker(ThreadPool& pool, RepackBudget budget);
  ~Repacker();

  // Fills `weight.panels` from its view, to be multiplied in `arithmetic`, unless its format has no panels or memory is
  // short, which is logged once. Throws Error when the file cannot be read.
  void repack(CpuWeight& weight, WeightUse use, kernels::Arithmetic arithmetic);

  // The same in parts, when proceed() is called. Only for weights of a file, as long as there is room for both copies.
  void put_off(std::shared_ptr<CpuWeight> weight, WeightUse use, kernels::Arithmetic arithmetic);
  bool can_put_off(const WeightView& view) const;
  // Packs a few MB of what was put off. False when nothing is left. Throws Error when the file cannot be read: the weight
  // stays where it is.
  bool proceed();

  size_t bytes() const { return budget_.taken(); }  // of all panels, those put off too
  size_t bytes_put_off() const;                     // of those: memory that is not taken yet

 private:
  struct Job;
  class Packing;
  std::optional<Job> plan(std::shared_ptr<CpuWeight> weight, WeightUse use, kernels::Arithmetic arithmetic);
  void begin(Job job);
  void advance(int pieces);
  void refuse(const CpuWeight& weight);

  ThreadPool& pool_;
  RepackBudget budget_;
  HugeChunks memory_;
  bool refused_ = false;
  std::deque<Job> put_off_;
  size_t waiting_bytes_ = 0;  // of their panels
  std::unique_ptr<Packing> packing_;  // under way
};

}  // namespace troika::device::cpu
