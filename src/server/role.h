// Who may ask for what: each role may do what those before it may.
#pragma once

#include <cstdint>
#include <string>

namespace troika::server {

enum class Role : uint8_t {
  open,   // anybody: it tells nothing but that a server is there
  user,   // whoever may use the models
  admin,  // whoever may change which models there are
};

// Who asks. Without a key file everybody is an admin and has no name.
struct Caller {
  std::string name;  // of the key
  Role role = Role::admin;
};

}  // namespace troika::server
