// Weights of the Vulkan device: from a file they become the panels that they become from memory, and where memory is short
// neither this process nor the system keeps the file's pages.
#include "device/vulkan/weights.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>

#include "device/tape.h"
#include "device/vulkan_here.h"
#include "device/weight_file.h"

namespace troika::device::vulkan {
namespace {

using ::testing::HasSubstr;

class VulkanWeights : public OnVulkan {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (device_) context_ = Context::open();
  }

  std::shared_ptr<Context> context_;
};

std::vector<std::byte> bytes_of(const GpuWeight& weight) {
  const std::byte* from = weight.buffer->host() + (weight.address - weight.buffer->address());
  const size_t rows = size_t(weight.shape.rows());
  return {from, from + (weight.panel ? pieces(uint32_t(rows), kPanelRows) * weight.panel_bytes : rows * sizeof(float))};
}

TEST_F(VulkanWeights, AreTheSameFromFilesAndFromMemory) {
  constexpr size_t kSkip = 4096 + 32;
  const struct {
    Format format;
    Shape shape;
  } cases[] = {{Format::q4_0, {1, 64}},     {Format::q6_k, {17, 512}}, {Format::f16, {255, 33}},
               {Format::q4_k, {3001, 4096}},  // several pieces on several threads
               {Format::f32, {4099}},         {Format::f16, {7}}};
  for (const auto& [format, shape] : cases) {
    const WeightView view = packed("w", format, shape, random_values(size_t(shape.values()), 1));
    const TemporaryFile file(view.bytes, kSkip);
    for (bool file_stays : {true, false}) {
      WeightLoader loader(context_, file_stays);
      const auto from_memory = loader.load(view), from_file = loader.load(in_file(view, file, kSkip));
      EXPECT_EQ(bytes_of(*from_file), bytes_of(*from_memory)) << info(format).name << " rows " << shape.rows();
    }
  }
}

// Of the system's, of a file.
double cached_share(const std::filesystem::path& path) {
  const auto map = FileMap::open(path);
  const size_t page = size_t(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((map->bytes().size() + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<std::byte*>(map->bytes().data()), map->bytes().size(), pages.data()), 0);
  return double(std::ranges::count_if(pages, [](unsigned char p) { return p & 1; })) / double(pages.size());
}

// Only what is on the disk can be dropped.
void write_out(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(::fsync(file), 0);
  ::close(file);
}

TEST_F(VulkanWeights, LeaveNoPagesOfTheirFileBehind) {
  constexpr int kRows = 1024, kColumns = 8192;  // 16 MB each, so that a matrix is several pieces
  const WeightView one = packed("w", Format::f16, {kRows, kColumns}, random_values(size_t{kRows} * kColumns, 1));
  std::vector<std::byte> both(one.bytes.begin(), one.bytes.end());
  both.insert(both.end(), one.bytes.begin(), one.bytes.end());
  const TemporaryFile file(both, 0);
  write_out(file.path());
  for (bool file_stays : {true, false}) {
    WeightLoader loader(context_, file_stays);
    {
      const auto map = FileMap::open(file.path());
      std::vector<std::byte> read(both.size());
      map->read(map->bytes(), read.data());
      ASSERT_TRUE(map->is_cached(map->bytes()));
      if (!file_stays) {  // some file systems are memory
        map->drop_cached(map->bytes());
        if (cached_share(file.path()) > 0.01) GTEST_SKIP() << "the system keeps all of " << file.path();
        map->read(map->bytes(), read.data());
      }
    }
    const size_t mapped = resident_file_bytes();
    const auto first = loader.load(in_file(one, file, 0)), second = loader.load(in_file(one, file, one.bytes.size()));
    EXPECT_LT(resident_file_bytes(), mapped + both.size() / 8);
    if (file_stays) EXPECT_GT(cached_share(file.path()), 0.99);
    else EXPECT_LT(cached_share(file.path()), 0.05);
  }
}

TEST_F(VulkanWeights, SayThatTheirFileWasCutShortMeanwhile) {
  const WeightView view = packed("w", Format::q8_0, {16384, 512}, random_values(size_t{16384} * 512, 1));
  const TemporaryFile file(view.bytes, 0);
  const WeightView mapped = in_file(view, file, 0);
  std::filesystem::resize_file(file.path(), view.bytes.size() / 2);
  WeightLoader loader(context_, true);
  try {
    loader.load(mapped);
    FAIL() << "it was cut short";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cut short"));
    EXPECT_THAT(error.what(), HasSubstr(file.path().string()));
  }
  EXPECT_TRUE(loader.load(view));  // the loader goes on
}

}  // namespace
}  // namespace troika::device::vulkan
