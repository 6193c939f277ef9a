// How fast this machine's memory is: the limit that decoding is measured against.
#pragma once

#include <cstddef>

namespace troika::apps {

// Bytes per second that `threads` threads read together from memory: each sums its own part of a buffer of
// 256 MiB (more where the last cache is large, less where little memory is free); the best of eight runs.
double measure_read_bandwidth(int threads);

// The same of copying one half of such a buffer to the other: bytes read and bytes written both count.
double measure_copy_bandwidth(int threads);

// Bytes of all caches of the last level; 0 where the system does not say.
size_t last_cache_bytes();

}  // namespace troika::apps
