// A folder that lives as long as a test, and files in it as bytes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace troika::files {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "troika-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder for the test");
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(std::string_view name, std::string_view bytes) const {
    auto file = path_ / name;
    std::filesystem::remove(file);  // some file systems sync a file that is cut to nothing and written again
    std::ofstream(file, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), std::streamsize(bytes.size()));
    return file;
  }
  std::string read(std::string_view name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

template <typename Number>
std::string le(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

// "u64 length, bytes", as GGUF writes texts.
inline std::string gguf_text(std::string_view text) { return le(uint64_t{text.size()}) + std::string(text); }

// A .safetensors file.
inline std::string safetensors(std::string_view header, std::string_view data) {
  return le(uint64_t{header.size()}) + std::string(header) + std::string(data);
}

// Folders with other people's data; absent on most machines.
inline std::filesystem::path shared_folder() {
  const char* set = std::getenv("TROIKA_SHARED");
  return set ? std::filesystem::path(set) : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared";
}

}  // namespace troika::files
