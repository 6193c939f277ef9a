// The tape of a bucket as a device will run it.
#pragma once

#include "apps/plan_subject.h"

namespace troika::apps {

// An op a line: its device, where its result lies, what it does.
void print_tape(Subject& s, const ModelOptions& o, int tokens);

}  // namespace troika::apps
