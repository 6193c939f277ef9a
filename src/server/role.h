// Who may ask for what: each role may do what those before it may.
#pragma once

#include <cstdint>

namespace troika::server {

enum class Role : uint8_t {
  open,   // anybody: it tells nothing but that a server is there
  user,   // whoever may use the models
  admin,  // whoever may change which models there are
};

}  // namespace troika::server
