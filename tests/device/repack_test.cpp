// Weights in panels: what is packed is what the packing function makes of the whole matrix, however many threads pack
// and wherever the bytes come from; memory grows by the panels and no more; what cannot be packed stays where it is.
#include "device/cpu/repack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/file_map.h"
#include "device/host_memory.h"
#include "device/tape.h"
#include "kernels/panel.h"

namespace troika::device {
namespace {

using cpu::CpuWeight;
using ::testing::HasSubstr;

constexpr size_t kPlenty = size_t{1} << 40;

// A file with these bytes behind `skip` others, removed at the end.
class TemporaryFile {
 public:
  TemporaryFile(std::span<const std::byte> bytes, size_t skip)
      : path_(std::filesystem::temp_directory_path() / ("troika-repack-" + std::to_string(::getpid()))) {
    std::ofstream out(path_, std::ios::binary);
    std::fill_n(std::ostreambuf_iterator<char>(out), skip, 'x');
    out.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The same weight as it lies in the file.
WeightView in_file(const WeightView& view, const TemporaryFile& file, size_t skip) {
  auto map = FileMap::open(file.path());
  return {view.name, view.format, view.shape, map->bytes().subspan(skip, view.bytes.size()), map, map.get()};
}

std::vector<std::byte> panels_of(const WeightView& view) {
  const kernels::PanelFormat& format = *kernels::find_panel_format(view.format);
  int rows = view.shape[0], columns = view.shape[1];
  size_t each = kernels::panel_bytes(format, columns);
  std::vector<std::byte> panels(size_t(rows + kernels::kPanelRows - 1) / kernels::kPanelRows * each);
  for (int row = 0; row < rows; row += kernels::kPanelRows) {
    std::byte* panel = panels.data() + size_t(row) / kernels::kPanelRows * each;
    kernels::pack_panel(format, view.bytes.data(), rows, columns, row, panel);
  }
  return panels;
}

bool holds(const CpuWeight& weight, const std::vector<std::byte>& panels) {
  return weight.panels && weight.panel && weight.panels->size() == panels.size() &&
         std::memcmp(weight.panels->host(), panels.data(), panels.size()) == 0;
}

CpuWeight weight_of(const WeightView& view) {
  CpuWeight weight;
  weight.view = view;
  weight.format = view.format;
  weight.data = view.bytes.data();
  return weight;
}

TEST(Repack, MakesTheSamePanelsOfFilesAndMemoryOnAnyNumberOfThreads) {
  constexpr size_t kSkip = 4096 + 32;
  for (const FormatInfo& f : formats()) {
    if (!kernels::find_panel_format(f.format)) continue;
    for (int rows : {1, 16, 17, 255}) {
      WeightView view = packed("w", f.format, {rows, 512}, random_values(size_t(rows) * 512, 1));
      std::vector<std::byte> want = panels_of(view);
      TemporaryFile file(view.bytes, kSkip);
      for (int threads : {1, 2, 5}) {
        cpu::ThreadPool pool({.threads = threads});
        cpu::Repacker repacker(pool, kPlenty);
        CpuWeight from_memory = weight_of(view), from_file = weight_of(in_file(view, file, kSkip));
        repacker.repack(from_memory);
        repacker.repack(from_file);
        EXPECT_TRUE(holds(from_memory, want)) << f.name << " rows " << rows << " threads " << threads;
        EXPECT_TRUE(holds(from_file, want)) << f.name << " rows " << rows << " threads " << threads;
        EXPECT_EQ(repacker.bytes(), 2 * want.size());
      }
    }
  }
}

TEST(Repack, CutsALargeMatrixIntoPieces) {
  WeightView view = packed("w", Format::f16, {1003, 8192}, random_values(size_t{1003} * 8192, 1));  // 16 MB
  TemporaryFile file(view.bytes, 0);
  cpu::ThreadPool pool({.threads = 3});
  cpu::Repacker repacker(pool, kPlenty);
  CpuWeight weight = weight_of(in_file(view, file, 0));
  repacker.repack(weight);
  EXPECT_TRUE(holds(weight, panels_of(view)));
}

TEST(Repack, LeavesWeightsInPlaceWhenMemoryIsShort) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  cpu::ThreadPool pool({.threads = 2});
  cpu::Repacker repacker(pool, 3 * view.bytes.size());  // a quarter stays free: room for two
  CpuWeight first = weight_of(view), second = weight_of(view), third = weight_of(view);
  for (CpuWeight* weight : {&first, &second, &third}) repacker.repack(*weight);
  EXPECT_TRUE(first.panel && second.panel);
  EXPECT_FALSE(third.panel || third.panels);
  EXPECT_EQ(third.data, view.bytes.data());
  EXPECT_EQ(repacker.bytes(), 2 * view.bytes.size());
}

TEST(Repack, KeepsTheFileCachedOnlyWhereBothCopiesHaveRoom) {
  cpu::RepackBudget budget(800);  // room for 600
  EXPECT_TRUE(budget.take(300));
  EXPECT_TRUE(budget.keeps_file_cached());
  EXPECT_TRUE(budget.take(100));
  EXPECT_FALSE(budget.keeps_file_cached());
  EXPECT_FALSE(budget.take(201));
  EXPECT_TRUE(budget.take(200));
  EXPECT_FALSE(budget.take(1));
  EXPECT_EQ(budget.taken(), 600u);
}

TEST(Repack, SaysThatAFileWasCutShortMeanwhile) {
  WeightView view = packed("w", Format::q8_0, {640, 512}, random_values(640 * 512, 1));
  TemporaryFile file(view.bytes, 0);
  WeightView mapped = in_file(view, file, 0);
  std::filesystem::resize_file(file.path(), view.bytes.size() / 2);
  for (int threads : {1, 3}) {
    auto device = make_device("cpu", {.threads = threads});
    try {
      device->prepare(mapped);
      FAIL() << "it was cut short";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("cut short"));
      EXPECT_THAT(error.what(), HasSubstr(file.path().string()));
    }
    auto whole = std::dynamic_pointer_cast<CpuWeight>(device->prepare(view));  // the device goes on
    EXPECT_TRUE(holds(*whole, panels_of(view)));
  }
}

size_t resident_file_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("RssFile:")) return std::stoul(line.substr(8)) << 10;
  }
  return 0;
}

TEST(Repack, LeavesNoPagesOfTheFileInMemory) {
  constexpr size_t kBytes = 48 << 20;
  std::vector<std::byte> bytes(kBytes);
  TemporaryFile file(bytes, 0);
  WeightView view{"w", Format::f16, {3072, 8192}, bytes, nullptr};
  WeightView mapped = in_file(view, file, 0);
  auto device = make_device("cpu", {.threads = 2});
  size_t before = resident_file_bytes();
  auto weight = device->prepare(mapped);
  EXPECT_LT(resident_file_bytes(), before + kBytes / 8);
  EXPECT_EQ(device->info().weight_bytes, kBytes);
}

TEST(Repack, IsLeftOutOnRequestAndWhereItWouldNotPay) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  auto device = make_device("cpu", {.threads = 1}), plain = make_device("cpu", {.threads = 1, .repack = false});
  auto prepare = [&](Device& on, WeightUse use) { return std::dynamic_pointer_cast<CpuWeight>(on.prepare(view, use)); };
  EXPECT_TRUE(prepare(*device, {})->panel);
  EXPECT_FALSE(prepare(*plain, {})->panel);
  EXPECT_FALSE(prepare(*device, {.multiplied = false})->panel);
  EXPECT_EQ(plain->info().weight_bytes, 0u);
}

TEST(Repack, LetsGoOfMemoryThatNobodyReadsAnyMore) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  auto device = make_device("cpu", {.threads = 1});
  long before = view.keep.use_count();
  auto product = device->prepare(view, {.looked_up = false});
  EXPECT_EQ(view.keep.use_count(), before);
  auto both = device->prepare(view, {});
  EXPECT_GT(view.keep.use_count(), before);
  EXPECT_EQ(std::dynamic_pointer_cast<CpuWeight>(both)->data, view.bytes.data());
}

TEST(HostMemory, IsAlignedToHugePagesAndZeroed) {
  for (size_t bytes : {size_t{1}, size_t{5} << 20}) {
    auto buffer = allocate_huge(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->host()) % (size_t{2} << 20), 0u);
    EXPECT_EQ(buffer->size(), bytes);
    EXPECT_EQ(buffer->host()[0], std::byte{0});
    buffer->host()[bytes - 1] = std::byte{1};
  }
  EXPECT_THROW(allocate_huge(size_t{1} << 62), Error);
  EXPECT_THROW(allocate_huge(SIZE_MAX), Error);
}

}  // namespace
}  // namespace troika::device
