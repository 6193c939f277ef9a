// Weights in panels: what is packed is what the packing function makes of the whole matrix, however many threads pack
// and wherever the bytes come from; memory grows by the panels and no more, in few mappings; what
// cannot be packed stays where it is.
#include "device/cpu/repack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "base/error.h"
#include "base/file_map.h"
#include "device/host_memory.h"
#include "device/tape.h"
#include "device/weight_file.h"
#include "kernels/panel.h"

namespace troika::device {
namespace {

using cpu::CpuWeight;
using ::testing::HasSubstr;

constexpr size_t kPlenty = size_t{1} << 40;
constexpr WeightUse kProduct{.looked_up = false};
constexpr auto kFloat32 = kernels::Arithmetic::float32;

std::vector<std::byte> panels_of(const WeightView& view) {
  const kernels::PanelFormat& format = *kernels::find_panel_format(view.format, kFloat32);
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
    if (!kernels::find_panel_format(f.format, kFloat32)) continue;
    for (int rows : {1, 16, 17, 255}) {
      WeightView view = packed("w", f.format, {rows, 512}, random_values(size_t(rows) * 512, 1));
      std::vector<std::byte> want = panels_of(view);
      TemporaryFile file(view.bytes, kSkip);
      for (int threads : {1, 2, 5}) {
        cpu::ThreadPool pool({.threads = threads});
        cpu::Repacker repacker(pool, cpu::RepackBudget(kPlenty));
        CpuWeight from_memory = weight_of(view), from_file = weight_of(in_file(view, file, kSkip));
        repacker.repack(from_memory, kProduct, kFloat32);
        repacker.repack(from_file, kProduct, kFloat32);
        EXPECT_TRUE(holds(from_memory, want)) << f.name << " rows " << rows << " threads " << threads;
        EXPECT_TRUE(holds(from_file, want)) << f.name << " rows " << rows << " threads " << threads;
        EXPECT_EQ(repacker.bytes(), 2 * want.size());
        EXPECT_EQ(want.size(), cpu::packed_bytes(f.format, kFloat32, rows, 512));
      }
    }
  }
}

TEST(Repack, CutsALargeMatrixIntoPieces) {
  WeightView view = packed("w", Format::f16, {1003, 8192}, random_values(size_t{1003} * 8192, 1));  // 16 MB
  TemporaryFile file(view.bytes, 0);
  cpu::ThreadPool pool({.threads = 3});
  cpu::Repacker repacker(pool, cpu::RepackBudget(kPlenty));
  CpuWeight weight = weight_of(in_file(view, file, 0));
  repacker.repack(weight, kProduct, kFloat32);
  EXPECT_TRUE(holds(weight, panels_of(view)));
}

// As long as a weight waits for its panels, it is read where it lies; then all its panels are there at once.
TEST(Repack, PutsOffWhatTheSystemHasInMemory) {
  WeightView large = packed("a", Format::f16, {1003, 8192}, random_values(size_t{1003} * 8192, 1));
  WeightView small = packed("b", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  TemporaryFile large_file(large.bytes, 32), small_file(small.bytes, 0);
  cpu::ThreadPool pool({.threads = 2});
  cpu::Repacker repacker(pool, cpu::RepackBudget(kPlenty));
  auto a = std::make_shared<CpuWeight>(weight_of(in_file(large, large_file, 32)));
  auto b = std::make_shared<CpuWeight>(weight_of(in_file(small, small_file, 0)));
  EXPECT_TRUE(repacker.can_put_off(a->view));
  EXPECT_FALSE(repacker.can_put_off(large));  // memory of its own: to be freed
  EXPECT_FALSE(cpu::Repacker(pool, cpu::RepackBudget(kPlenty, kPlenty)).can_put_off(a->view));  // no room for both
  for (auto& weight : {a, b}) repacker.put_off(weight, kProduct, kFloat32);
  size_t all = panels_of(large).size() + panels_of(small).size();
  EXPECT_EQ(repacker.bytes(), all);
  EXPECT_EQ(repacker.bytes_put_off(), all);
  int parts = 0;
  for (bool more = true; more; ++parts) {
    more = repacker.proceed();
    EXPECT_EQ(a->panel != nullptr, a->panels != nullptr);
    EXPECT_TRUE(a->panel || !b->panel) << "in order";
    EXPECT_EQ(more, !b->panel);
  }
  EXPECT_GT(parts, 2);
  EXPECT_EQ(repacker.bytes(), all);
  EXPECT_EQ(repacker.bytes_put_off(), 0u);
  EXPECT_FALSE(repacker.proceed());
  EXPECT_TRUE(holds(*a, panels_of(large)));
  EXPECT_TRUE(holds(*b, panels_of(small)));
  EXPECT_EQ(std::memcmp(a->view.bytes.data(), large.bytes.data(), large.bytes.size()), 0);  // the mapping is as it was
}

TEST(Repack, LeavesInPlaceWhatCannotBeReadLater) {
  WeightView view = packed("w", Format::q8_0, {640, 512}, random_values(640 * 512, 1));
  TemporaryFile cut_file(view.bytes, 0);
  cpu::ThreadPool pool({.threads = 2});
  cpu::Repacker repacker(pool, cpu::RepackBudget(kPlenty));
  auto cut = std::make_shared<CpuWeight>(weight_of(in_file(view, cut_file, 0)));
  auto next = std::make_shared<CpuWeight>(weight_of(view));
  for (auto& weight : {cut, next}) repacker.put_off(weight, kProduct, kFloat32);
  std::filesystem::resize_file(cut_file.path(), view.bytes.size() / 2);
  EXPECT_THROW(repacker.proceed(), Error);
  EXPECT_FALSE(cut->panel);
  while (repacker.proceed()) {}
  EXPECT_TRUE(holds(*next, panels_of(view)));
  EXPECT_EQ(repacker.bytes(), panels_of(view).size());
}

TEST(Repack, LeavesWeightsInPlaceWhenMemoryIsShort) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  cpu::ThreadPool pool({.threads = 2});
  cpu::Repacker repacker(pool, cpu::RepackBudget(3 * view.bytes.size()));  // a quarter stays free: room for two
  CpuWeight first = weight_of(view), second = weight_of(view), third = weight_of(view);
  for (CpuWeight* weight : {&first, &second, &third}) repacker.repack(*weight, kProduct, kFloat32);
  EXPECT_TRUE(first.panel && second.panel);
  EXPECT_FALSE(third.panel || third.panels);
  EXPECT_EQ(third.data, view.bytes.data());
  EXPECT_EQ(repacker.bytes(), 2 * view.bytes.size());
}

TEST(Repack, KeepsTheFileCachedOnlyWhereBothCopiesHaveRoom) {
  cpu::RepackBudget budget(800);  // room for 600
  EXPECT_TRUE(budget.take(400));
  EXPECT_FALSE(budget.take(201));
  EXPECT_TRUE(budget.take(200));
  EXPECT_FALSE(budget.take(1));
  EXPECT_EQ(budget.taken(), 600u);
  budget.give_back(200);
  EXPECT_EQ(budget.taken(), 400u);
  EXPECT_TRUE(budget.take(200));

  WeightUse both{};
  EXPECT_TRUE(cpu::RepackBudget(800).keeps_file_cached(kProduct));
  for (size_t file_bytes : {300, 301}) {  // twice as much has room, or not
    cpu::RepackBudget from_file(800, file_bytes);
    EXPECT_TRUE(from_file.keeps_file_cached(both));  // its rows are still read there
    EXPECT_EQ(from_file.keeps_file_cached(kProduct), file_bytes == 300);
    EXPECT_TRUE(from_file.take(600));  // the first weight and the last
    EXPECT_EQ(from_file.keeps_file_cached(kProduct), file_bytes == 300);
  }
}

size_t mappings() {
  std::ifstream in("/proc/self/maps");
  return size_t(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
}

// A mixture of experts has more matrices than a process may have mappings.
TEST(Repack, PutsSmallMatricesOnSharedPages) {
  constexpr size_t kMatrices = 3000;
  std::vector<WeightView> views;
  for (unsigned i = 0; i < 7; ++i) views.push_back(packed("w", Format::q8_0, {32, 96}, random_values(32 * 96, i)));
  cpu::ThreadPool pool({.threads = 2});
  cpu::Repacker repacker(pool, cpu::RepackBudget(kPlenty));
  std::vector<CpuWeight> weights;
  weights.reserve(kMatrices);
  size_t before = mappings();
  std::set<uintptr_t> pages;
  for (size_t i = 0; i < kMatrices; ++i) {
    repacker.repack(weights.emplace_back(weight_of(views[i % views.size()])), kProduct, kFloat32);
    ASSERT_TRUE(weights.back().panels);
    auto address = reinterpret_cast<uintptr_t>(weights.back().panels->host());
    EXPECT_EQ(address % 64, 0u);
    pages.insert(address >> 21);
  }
  EXPECT_LE(mappings(), before + 64);  // what malloc maps is there, too
  EXPECT_LE(pages.size(), 2 + (repacker.bytes() >> 21));
  for (size_t i = 0; i < kMatrices; ++i) {  // none was written over another
    ASSERT_TRUE(holds(weights[i], panels_of(views[i % views.size()]))) << i;
  }
}

TEST(Repack, CountsNoPanelsThatAreNotThere) {
  cpu::ThreadPool pool({.threads = 1});
  cpu::Repacker repacker(pool, cpu::RepackBudget(size_t{1} << 62));
  CpuWeight huge;  // more than there is address space for
  huge.view = {"w", Format::f32, {1 << 24, 1 << 24}, {}, nullptr};
  repacker.repack(huge, kProduct, kFloat32);
  EXPECT_FALSE(huge.panel || huge.panels);
  EXPECT_EQ(repacker.bytes(), 0u);

  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  TemporaryFile file(view.bytes, 0);
  CpuWeight cut = weight_of(in_file(view, file, 0));
  std::filesystem::resize_file(file.path(), view.bytes.size() / 2);
  EXPECT_THROW(repacker.repack(cut, kProduct, kFloat32), Error);
  EXPECT_EQ(repacker.bytes(), 0u);
}

TEST(Repack, SaysThatAFileWasCutShortMeanwhile) {
  WeightView view = packed("w", Format::q8_0, {640, 512}, random_values(640 * 512, 1));
  TemporaryFile file(view.bytes, 0);
  WeightView mapped = in_file(view, file, 0);
  std::filesystem::resize_file(file.path(), view.bytes.size() / 2);
  for (int threads : {1, 3}) {
    auto device = make_device("cpu", {.threads = threads});
    try {
      device->prepare(mapped, kProduct);
      FAIL() << "it was cut short";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("cut short"));
      EXPECT_THAT(error.what(), HasSubstr(file.path().string()));
    }
    auto whole = std::dynamic_pointer_cast<CpuWeight>(device->prepare(view, kProduct));  // the device goes on
    EXPECT_TRUE(holds(*whole, panels_of(view)));
  }
}

TEST(Repack, LeavesNoPagesOfTheFileInMemory) {
  constexpr size_t kBytes = 48 << 20;
  std::vector<std::byte> bytes(kBytes);
  TemporaryFile file(bytes, 0);
  WeightView view{"w", Format::f16, {3072, 8192}, bytes, nullptr};
  WeightView mapped = in_file(view, file, 0);
  auto device = make_device("cpu", {.threads = 2});
  size_t before = resident_file_bytes();
  auto weight = device->prepare(mapped, kProduct);
  EXPECT_LT(resident_file_bytes(), before + kBytes / 8);
  EXPECT_EQ(device->info().weight_bytes, cpu::packed_bytes(Format::f16, kernels::Arithmetic::int16, 3072, 8192));
}

TEST(Repack, IsLeftOutOnRequestAndWhereItWouldNotPay) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  auto device = make_device("cpu", {.threads = 1}), plain = make_device("cpu", {.threads = 1, .repack = false});
  auto prepare = [&](Device& on, WeightUse use) { return std::dynamic_pointer_cast<CpuWeight>(on.prepare(view, use)); };
  EXPECT_TRUE(prepare(*device, {})->panel);
  EXPECT_FALSE(prepare(*plain, {})->panel);
  EXPECT_FALSE(prepare(*device, {.multiplied = false})->panel);
}

TEST(Repack, CountsEachWeightWhereItIsInMemoryOfItsOwn) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  TemporaryFile file(view.bytes, 0);
  WeightView mapped = in_file(view, file, 0);
  size_t one = view.bytes.size();  // in panels as well
  auto bytes = [&](const WeightView& of, WeightUse use, bool repack) {
    auto device = make_device("cpu", {.threads = 1, .repack = repack});
    auto weight = device->prepare(of, use);
    return device->info().weight_bytes;
  };
  EXPECT_EQ(bytes(mapped, kProduct, false), 0u);
  EXPECT_EQ(bytes(mapped, kProduct, true), one);
  EXPECT_EQ(bytes(mapped, {}, true), one);
  EXPECT_EQ(bytes(mapped, {.multiplied = false}, true), 0u);
  EXPECT_EQ(bytes(view, kProduct, false), one);
  EXPECT_EQ(bytes(view, kProduct, true), one);  // in place of the other
  EXPECT_EQ(bytes(view, {}, true), 2 * one);
}

TEST(Repack, LetsGoOfMemoryThatNobodyReadsAnyMore) {
  WeightView view = packed("w", Format::q8_0, {64, 512}, random_values(64 * 512, 1));
  auto device = make_device("cpu", {.threads = 1});
  long before = view.keep.use_count();
  auto product = device->prepare(view, kProduct);
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

TEST(HostMemory, SharesChunksAmongSmallBuffersAndMapsLargeOnesAlone) {
  constexpr size_t kLarge = (size_t{64} << 20) + 1;
  std::vector<std::shared_ptr<Buffer>> buffers;
  {
    HugeChunks chunks;
    for (size_t bytes : {size_t{100}, kLarge, size_t{64}, size_t{1}}) buffers.push_back(chunks.allocate(bytes));
    for (int i = 0; i < 5; ++i) buffers.push_back(chunks.allocate(size_t{60} << 20));  // more than a chunk
    EXPECT_THROW(chunks.allocate(SIZE_MAX), Error);
  }  // buffers live on
  EXPECT_EQ(buffers[2]->host(), buffers[0]->host() + 128);
  EXPECT_EQ(buffers[3]->host(), buffers[2]->host() + 64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffers[1]->host()) % (size_t{2} << 20), 0u);
  EXPECT_EQ(buffers[1]->size(), kLarge);
  for (size_t i = 0; i < buffers.size(); ++i) {  // both ends; most of each is never touched
    for (size_t at : {size_t{0}, buffers[i]->size() - 1}) EXPECT_EQ(buffers[i]->host()[at], std::byte{0}) << i;
    for (size_t at : {size_t{0}, buffers[i]->size() - 1}) buffers[i]->host()[at] = std::byte(i + 1);
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i]->host()[0], std::byte(i + 1)) << i;
    EXPECT_EQ(buffers[i]->host()[buffers[i]->size() - 1], std::byte(i + 1)) << i;
  }
}

}  // namespace
}  // namespace troika::device
