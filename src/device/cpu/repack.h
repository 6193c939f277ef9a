// Copying matrices into panels (kernels/panel.h) while a model is loaded: all threads of the pool at once, each piece
// read from the file, packed and forgotten, so that memory holds the panels and little more.
#pragma once

#include "device/cpu/compiler.h"
#include "device/cpu/thread_pool.h"

namespace troika::device::cpu {

// What the panels may take of the memory that is free when loading begins; the rest is for caches, activations and
// whoever else is here.
//
//   panels beyond `room`             stay out: the weight is read where the file is mapped
//   panels + the file's cached copy  beyond `room`: the system need not keep the copy, or others' files would go for
//                                    one that is read again at the next start at best. With room for both it stays,
//                                    and the next start is fast.
class RepackBudget {
 public:
  explicit RepackBudget(size_t available_bytes) : room_(available_bytes / 4 * 3) {}
  bool take(size_t bytes) {
    if (bytes > room_ - taken_) return false;
    taken_ += bytes;
    return true;
  }
  bool keeps_file_cached() const { return taken_ <= room_ / 2; }
  size_t taken() const { return taken_; }

 private:
  size_t room_, taken_ = 0;
};

class Repacker {
 public:
  // `available_bytes`: of memory, now.
  Repacker(ThreadPool& pool, size_t available_bytes) : pool_(pool), budget_(available_bytes) {}

  // Fills `weight.panels` from its view, unless its format has no panels or memory is short, which is logged once.
  // Throws Error when the file cannot be read.
  void repack(CpuWeight& weight);
  size_t bytes() const { return budget_.taken(); }

 private:
  void refuse(const CpuWeight& weight);

  ThreadPool& pool_;
  RepackBudget budget_;
  bool refused_ = false;
};

}  // namespace troika::device::cpu
