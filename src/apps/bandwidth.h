// How fast this machine reads memory: the limit that decoding is measured against.
#pragma once

namespace troika::apps {

// Bytes per second that `threads` threads read together from memory: each sums its own part of a buffer of
// 256 MiB (more where the last cache is large, less where little memory is free); the best of eight runs.
double measure_read_bandwidth(int threads);

}  // namespace troika::apps
