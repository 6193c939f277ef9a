// What a pull tells while it goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace troika::store {

enum class Stage {
  waiting,      // for another pull of the same file
  checking,     // bytes that an earlier pull left
  downloading,
  done,         // this file is here, its checksum compared
};
std::string_view name_of(Stage stage);

struct Progress {
  Stage stage = Stage::downloading;
  std::string file;
  std::string digest;      // hexadecimal; "" until it is known
  uint64_t total = 0;      // bytes of the file
  uint64_t completed = 0;  // of these, here
};

// Called in the pulling thread, about ten times a second and at every change of stage. What it throws ends the pull.
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace troika::store
