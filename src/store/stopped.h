// Thrown when the stop token asked for it: what ended was wanted to end.
#pragma once

#include "base/error.h"

namespace troika::store {

class Stopped : public Error {
 public:
  using Error::Error;
};

}  // namespace troika::store
