// Who may ask for what: each role may do what those before it may.
#pragma once

#include <string>

namespace troika::server {

enum class Role { anyone, user, admin };

// Who asks. Without a key file everybody is an admin and has no name.
struct Caller {
  std::string name;  // of the key
  Role role = Role::admin;
};

}  // namespace troika::server
