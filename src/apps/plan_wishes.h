// What --device, --place and --prefill-device mean for the plan of a machine that need not be this one.
#pragma once

#include "apps/model_options.h"
#include "plan/planner.h"

namespace troika::apps {

// `layers`: of the model. Throws Error for devices that the machine does not have, and for pins that make no sense.
plan::Wishes wishes_of(const ModelOptions& options, const plan::Hardware& machine, int layers);

}  // namespace troika::apps
