// Work that several threads do at the same time, for measuring what they reach together.
#pragma once

#include <functional>

namespace troika::apps {

// Each of `threads` threads calls prepare(thread) once; then all call work(thread) `runs` times, every time beginning
// together. Seconds of the fastest run, from the common beginning to the end of the last thread.
double fastest_together(int threads, int runs, const std::function<void(int)>& prepare,
                        const std::function<void(int)>& work);

}  // namespace troika::apps
