// How much arithmetic this machine does: the limit that prompts are measured against.
#pragma once

#include <string_view>
#include <vector>

#include "kernels/kernel_table.h"

namespace troika::apps {

// Operations a second, all threads together; a multiply-add is two.
struct Peaks {
  double fp32 = 0;
  double int8 = 0;  // products of bytes, summed in integers
};

// The best of several runs, each of about a hundredth of a second.
Peaks measure_peaks(const kernels::KernelTable& table, int threads);

// The tables that this build has and this machine can run, best last; the plain one only where there is no other.
std::vector<const kernels::KernelTable*> fast_tables();

}  // namespace troika::apps
