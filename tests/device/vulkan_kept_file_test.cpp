// What is kept on disk, such as compiled pipelines: whole, or it counts as nothing.
#include "device/vulkan/kept_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "device/kept_variable.h"
#include "files/scratch.h"

namespace troika::device::vulkan {
namespace {

namespace fs = std::filesystem;

class VulkanKeptFile : public testing::Test {
 protected:
  std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& bytes) const { std::ofstream(file_, std::ios::binary) << bytes; }

  const files::Scratch folder_;
  const fs::path file_ = folder_ / "cache/some.pipelines";
};

const std::string kContent("as a driver\0made them", 21);

TEST_F(VulkanKeptFile, GivesBackWhatWasWritten) {
  EXPECT_EQ(read_kept(file_, 7), "");
  write_kept(file_, 7, kContent);
  EXPECT_EQ(read_kept(file_, 7), kContent);
  write_kept(file_, 7, kContent + "and more");
  EXPECT_EQ(read_kept(file_, 7), kContent + "and more");
  EXPECT_EQ(std::distance(fs::directory_iterator(file_.parent_path()), {}), 1) << "nothing is left beside it";
}

TEST_F(VulkanKeptFile, OfOtherShadersIsNothing) {
  write_kept(file_, 7, kContent);
  EXPECT_EQ(read_kept(file_, 8), "");
}

TEST_F(VulkanKeptFile, CutOffLengthenedOrChangedIsNothing) {
  write_kept(file_, 7, kContent);
  const std::string whole = bytes();
  for (size_t length = 0; length < whole.size(); ++length) {
    replace(whole.substr(0, length));
    EXPECT_EQ(read_kept(file_, 7), "") << length << " bytes of it";
  }
  replace(whole + "x");
  EXPECT_EQ(read_kept(file_, 7), "");
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = char(changed[i] ^ 0x10);
    replace(changed);
    EXPECT_EQ(read_kept(file_, 7), "") << "byte " << i;
  }
}

TEST_F(VulkanKeptFile, ThatCannotBeWrittenIsAnError) {
  std::ofstream(folder_ / "cache") << "no folder";
  EXPECT_THROW(write_kept(file_, 7, kContent), Error);
  EXPECT_EQ(read_kept(file_, 7), "");
}

TEST_F(VulkanKeptFile, LiesInTheUsersCacheFolderUnderTheNameOfGpuAndDriver) {
  const Caps caps{.uuid = "0123abcd"};
  const Kept home("HOME"), cache("XDG_CACHE_HOME");
  ::setenv("HOME", folder_.path().c_str(), 1);
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(kept_file(caps, "pipelines"), folder_ / ".cache/troika/vulkan/0123abcd.pipelines");
  ::setenv("XDG_CACHE_HOME", "/elsewhere", 1);
  EXPECT_EQ(kept_file(caps, "pipelines"), "/elsewhere/troika/vulkan/0123abcd.pipelines");
  EXPECT_EQ(kept_file(caps, "measured"), "/elsewhere/troika/vulkan/0123abcd.measured");
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  EXPECT_EQ(kept_file(caps, "pipelines"), "");
}

}  // namespace
}  // namespace troika::device::vulkan
