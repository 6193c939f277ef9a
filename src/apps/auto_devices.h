// What --device auto means: the devices that a plan of this machine names, if `troika bench calibrate` has measured it.
#pragma once

#include "apps/model_options.h"

namespace troika::apps {

// Sets --device, --place and --prefill-device for the model of the options, where they leave all of that open; says in the log
// what was chosen, and what would help. The CPU where nothing is known of the machine, or no plan fits.
void choose_devices(ModelOptions& options);

}  // namespace troika::apps
