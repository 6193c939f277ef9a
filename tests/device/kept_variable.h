// A variable of the environment that a test may change: it is put back.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace troika::device {

class Kept {
 public:
  explicit Kept(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) value_ = value;
  }
  ~Kept() {
    if (value_) ::setenv(name_, value_->c_str(), 1);
    else ::unsetenv(name_);
  }

 private:
  const char* const name_;
  std::optional<std::string> value_;
};

}  // namespace troika::device
