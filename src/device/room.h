// How much of the memory that is free when loading begins weights may take; the rest is for caches, activations and whoever
// else is here.
#pragma once

#include <cstddef>

namespace troika::device {

inline size_t room_for_weights(size_t available_bytes) { return available_bytes / 4 * 3; }

// Whether the system may keep its cached copy of files whose weights a device has copied. Without room for both, others'
// files would go for one that is read again at the next start at best; with it the next start is fast.
inline bool file_may_stay(size_t available_bytes, size_t file_bytes) {
  return file_bytes <= room_for_weights(available_bytes) / 2;
}

}  // namespace troika::device
