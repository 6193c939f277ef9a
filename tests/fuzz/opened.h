// A model's file or folder, made of foreign bytes in memory, opened and read to its end.
#pragma once

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>

#include "files/model_file.h"
#include "fuzz/input.h"

namespace troika::fuzz {

// A folder in memory that goes when the program ends.
class Folder {
 public:
  Folder() {
    std::string name = "/dev/shm/troika-fuzz-XXXXXX";
    check(::mkdtemp(name.data()) != nullptr, "a folder in /dev/shm");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  void write(const char* name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  std::filesystem::path path_;
};

inline void open_and_read(const std::filesystem::path& path) {
  survives([&] {
    const auto file = files::ModelFile::open(path);
    for (const auto& entry : file->metadata().entries()) to_text(entry.value, 1000);
    for (const auto& tensor : file->tensors()) {
      survives([&] {
        const auto view = file->find(tensor.name);
        volatile unsigned sum = 0;
        for (const std::byte byte : view->bytes) sum = sum + unsigned(byte);
      });
    }
  });
}

}  // namespace troika::fuzz
