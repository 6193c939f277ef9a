// What was measured on a GPU, for the next start: lines of text in a file beside its pipelines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troika::device::vulkan {

struct Measured {
  std::map<std::string, std::string> kernels;  // by product: which is the fastest (tuner.h names both)
  std::optional<double> work_per_second;       // pace.h
  bool operator==(const Measured&) const = default;
};

std::string text_of(const Measured& measured);
Measured measured_of(std::string_view text);  // lines that it does not know are left out

// Reads when it is opened; keep() writes what is new then, with what other processes have written meanwhile.
class MeasuredFile {
 public:
  MeasuredFile(std::filesystem::path file, uint64_t shaders);  // "": nothing is kept; shaders: kept_file.h
  ~MeasuredFile() { keep(); }
  MeasuredFile(const MeasuredFile&) = delete;
  MeasuredFile& operator=(const MeasuredFile&) = delete;

  void keep();  // what cannot be written is only logged

  Measured measured;

 private:
  std::filesystem::path file_;
  const uint64_t shaders_;
  std::string kept_;
};

}  // namespace troika::device::vulkan
