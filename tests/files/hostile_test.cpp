// Files from the internet, broken at every byte: whatever is cut, flipped or enlarged, opening either
// succeeds (and every weight and key can be read) or throws Error. It never crashes and never allocates much
// more than the file justifies: this program counts its own allocations.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

#include "base/error.h"
#include "files/gguf_writer.h"
#include "files/model_file.h"
#include "files/scratch.h"

namespace {

std::atomic<size_t> largest_allocation = 0;

void* counted(size_t bytes, size_t alignment) noexcept {
  size_t seen = largest_allocation.load();
  while (bytes > seen && !largest_allocation.compare_exchange_weak(seen, bytes)) {
  }
  void* memory = nullptr;
  return ::posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<size_t>(bytes, 1)) == 0
             ? memory
             : nullptr;
}

void* counted_or_throw(size_t bytes, size_t alignment) {
  if (void* memory = counted(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

constexpr size_t kUsual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
using Alignment = std::align_val_t;
using Quiet = const std::nothrow_t&;

}  // namespace

// Every form, so that no memory goes from one allocator to another's free. Not inlined: g++ warns of a
// mismatch when it sees only one side.
[[gnu::noinline]] void* operator new(size_t bytes) { return counted_or_throw(bytes, kUsual); }
[[gnu::noinline]] void* operator new[](size_t bytes) { return counted_or_throw(bytes, kUsual); }
[[gnu::noinline]] void* operator new(size_t bytes, Quiet) noexcept { return counted(bytes, kUsual); }
[[gnu::noinline]] void* operator new[](size_t bytes, Quiet) noexcept { return counted(bytes, kUsual); }
[[gnu::noinline]] void* operator new(size_t bytes, Alignment a) { return counted_or_throw(bytes, size_t(a)); }
[[gnu::noinline]] void* operator new[](size_t bytes, Alignment a) {
  return counted_or_throw(bytes, size_t(a));
}
[[gnu::noinline]] void* operator new(size_t bytes, Alignment a, Quiet) noexcept {
  return counted(bytes, size_t(a));
}
[[gnu::noinline]] void* operator new[](size_t bytes, Alignment a, Quiet) noexcept {
  return counted(bytes, size_t(a));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, Quiet) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, Quiet) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, Alignment) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, Alignment) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, Alignment) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t, Alignment) noexcept { std::free(memory); }

namespace troika::files {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20;  // for files of a few kB

struct Tally {
  int opened = 0, refused = 0;
  unsigned sum = 0;  // of all that was read, so that the compiler reads it
};

// Opens and reads everything there is.
void open_and_read(const std::filesystem::path& path, Tally& tally) {
  try {
    auto file = ModelFile::open(path);
    unsigned sum = 0;
    for (const auto& entry : file->metadata().entries()) sum += to_text(entry.value, 1000).size();
    for (const auto& tensor : file->tensors()) {
      try {
        if (auto view = file->find(tensor.name))
          for (std::byte b : view->bytes) sum += static_cast<unsigned>(b);
      } catch (const Error&) {
      }
    }
    tally.sum += sum;
    ++tally.opened;
  } catch (const Error& error) {
    std::string_view sentence = error.what();
    EXPECT_FALSE(sentence.empty());
    EXPECT_LT(sentence.size(), 70'000u);
    ++tally.refused;
  }
}

// Breaks `good` in every way and hands each broken file to `use`. Bytes from `structure` on are weights.
void break_everywhere(const std::string& good, size_t structure,
                      const std::function<void(const std::string&)>& use) {
  for (size_t length = 0; length < good.size(); ++length) use(good.substr(0, length));
  use(good + std::string(100, '\0'));
  for (size_t at = 0; at < structure; ++at) {
    std::string bad = good;
    for (int bit = 0; bit < 8; ++bit) {
      bad[at] = static_cast<char>(good[at] ^ (1 << bit));
      use(bad);
    }
    for (char value : {'\0', '\x7f', '\xff', '\x80', ' ', '"', '{', '['}) {
      bad[at] = value;
      use(bad);
    }
  }
  constexpr uint64_t kHuge[] = {
      uint64_t{1} << 20, uint64_t{1} << 31, uint64_t{1} << 32, (uint64_t{1} << 61) + 1, uint64_t{1} << 62,
      uint64_t{1} << 63, UINT64_MAX,        UINT64_MAX - 31,   uint64_t{INT64_MAX} - 7};
  for (size_t at = 0; at + 8 <= structure; ++at)
    for (uint64_t huge : kHuge) {
      std::string bad = good;
      std::memcpy(bad.data() + at, &huge, 8);
      use(bad);
      std::memcpy(bad.data() + at, good.data() + at, 8);
      uint32_t half = static_cast<uint32_t>(huge >> 32 | huge);
      std::memcpy(bad.data() + at, &half, 4);
      use(bad);
    }
}

TEST(HostileFiles, ABrokenGgufIsReadOrRefused) {
  Scratch scratch;
  std::vector<std::string> tokens = {"a", "bc", ""};
  std::vector<int32_t> types = {1, 2, 3};
  std::vector<float> scores = {0.5f, -1};
  std::vector<std::byte> bytes(2 * 144, std::byte{1});
  GgufWriter writer(scratch / "good.gguf");
  writer.set("general.architecture", "x");
  writer.set("n", uint32_t{2});
  writer.set("b", true);
  writer.set("s", std::span<const std::string>(tokens));
  writer.set("i", std::span<const int32_t>(types));
  writer.set("f", std::span<const float>(scores));
  writer.add("w", Format::q4_k, {2, 256}, bytes);
  writer.add("v", Format::f32, {1, 2, 4}, std::span(bytes).first(32));
  writer.finish();
  std::string good = scratch.read("good.gguf");
  size_t structure = good.size() - 320;

  Tally tally;
  open_and_read(scratch / "good.gguf", tally);
  ASSERT_EQ(tally.opened, 1);
  auto path = scratch / "bad.gguf";
  largest_allocation = 0;
  break_everywhere(good, structure, [&](const std::string& bad) {
    scratch.write("bad.gguf", bad);
    open_and_read(path, tally);
  });
  EXPECT_GT(largest_allocation, 1000u);
  EXPECT_LT(largest_allocation, kMostBytes);
  EXPECT_GT(tally.opened, 100);  // a flipped letter of a key is no error
  EXPECT_GT(tally.refused, 5000);
}

TEST(HostileFiles, ABrokenSafetensorsFolderIsReadOrRefused) {
  Scratch scratch;
  std::string config = R"({"a": [1, 2], "b": {"c": "d"}, "e": 1.5, "f": null, "g": [true]})";
  std::string index = R"({"weight_map": {"w": "m.safetensors"}})";
  std::string weights = safetensors(R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                                    R"("v":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}})",
                                    std::string(20, '\1'));
  scratch.write("config.json", config);
  scratch.write("model.safetensors.index.json", index);
  scratch.write("m.safetensors", weights);
  Tally tally;
  open_and_read(scratch.path(), tally);
  ASSERT_EQ(tally.opened, 1);
  largest_allocation = 0;
  struct {
    const char* name;
    const std::string& good;
    size_t structure;
  } files[] = {
      {"config.json", config, config.size()},
      {"model.safetensors.index.json", index, index.size()},
      {"m.safetensors", weights, weights.size() - 20},
  };
  for (const auto& [name, good, structure] : files) {
    break_everywhere(good, structure, [&, name = name](const std::string& bad) {
      scratch.write(name, bad);
      open_and_read(scratch.path(), tally);
    });
    scratch.write(name, good);
  }
  EXPECT_GT(largest_allocation, 1000u);
  EXPECT_LT(largest_allocation, kMostBytes);
  EXPECT_GT(tally.opened, 100);
  EXPECT_GT(tally.refused, 3000);
}

}  // namespace
}  // namespace troika::files
