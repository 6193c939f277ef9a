#include "device/vulkan/kept_file.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <type_traits>

#include "base/user_folders.h"
#include "device/vulkan/shader_pack.h"
#include "store/durable_file.h"

namespace troika::device::vulkan {
namespace {

constexpr uint64_t kMagic = 0x314c50414b494f52;  // "ROIKAPL1"

struct Header {
  uint64_t magic, shaders, bytes, hash;  // the last two of what follows
};

// FNV-1a.
template <typename Unit>
uint64_t hash_of(const Unit* units, size_t count, uint64_t hash = 0xcbf29ce484222325) {
  for (size_t i = 0; i < count; ++i) hash = (hash ^ std::make_unsigned_t<Unit>(units[i])) * 0x100000001b3;
  return hash;
}

}  // namespace

std::filesystem::path kept_file(const Caps& caps, std::string_view what) {
  const auto cache = cache_folder();
  return cache ? *cache / "troika/vulkan" / fmt::format("{}.{}", caps.uuid, what) : "";
}

uint64_t hash_of_shaders() {
  static const uint64_t hash = [] {
    uint64_t sum = hash_of<char>(nullptr, 0);
    for (const Shader& shader : all_shaders()) {
      sum = hash_of(shader.name.data(), shader.name.size(), sum);
      sum = hash_of(shader.words.data(), shader.words.size(), sum);
    }
    return sum;
  }();
  return hash;
}

std::string read_kept(const std::filesystem::path& file, uint64_t shaders) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  Header header;
  if (bytes.size() < sizeof header) return "";
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::string_view content = std::string_view(bytes).substr(sizeof header);
  const bool whole = header.magic == kMagic && header.shaders == shaders && header.bytes == content.size() &&
                     header.hash == hash_of(content.data(), content.size());
  return whole ? std::string(content) : "";
}

void write_kept(const std::filesystem::path& file, uint64_t shaders, std::string_view content) {
  const Header header{kMagic, shaders, content.size(), hash_of(content.data(), content.size())};
  std::string bytes(sizeof header, 0);
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes += content;
  store::make_folders(file.parent_path());
  store::replace_file(file, bytes);
}

}  // namespace troika::device::vulkan
