// Pages on disk: what was written is read by the next process, and what is damaged is left out.
#include "engine/page_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "base/error.h"

namespace troika::engine {
namespace {

namespace fs = std::filesystem;

class PageStoreTest : public ::testing::Test {
 protected:
  PageStoreTest() { fs::remove_all(folder_); }
  ~PageStoreTest() override { fs::remove_all(folder_); }

  std::unique_ptr<PageStore> open(uint64_t limit = 1 << 30, uint64_t model = 1) {
    return PageStore::open(folder_, limit, {model, 0}, {100, 3000});
  }
  static std::vector<int64_t> keys(int first) {
    std::vector<int64_t> keys(32);
    std::iota(keys.begin(), keys.end(), first);
    return keys;
  }
  static std::vector<std::byte> bytes(size_t count, int seed) {
    std::vector<std::byte> bytes(count);
    for (size_t i = 0; i < count; ++i) bytes[i] = std::byte(i * 7 + size_t(seed));
    return bytes;
  }
  static std::vector<std::byte> read(PageStore& store, uint64_t text, int first, uint32_t groups) {
    std::vector<std::byte> out(store.bytes_of(groups));
    if (!store.read({text, 0}, keys(first), groups, out)) out.clear();
    return out;
  }
  fs::path segment() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.path().extension() == ".pages") return entry.path();
    return {};
  }

  fs::path segment_folder() const { return fs::directory_iterator(folder_)->path(); }

  const fs::path folder_ = fs::temp_directory_path() / fmt::format("troika-pages-{}", getpid());
};

TEST_F(PageStoreTest, ReadsWhatAnotherProcessWrote) {
  vision::HashKey secret;
  {
    auto store = open();
    secret = store->secret();
    store->write({1, 0}, keys(0), 3, bytes(3100, 1));
    store->write({2, 0}, keys(5), 2, bytes(3000, 2));
    EXPECT_EQ(read(*store, 1, 0, 3), bytes(3100, 1));
  }
  auto store = open();
  EXPECT_EQ(store->secret(), secret);
  EXPECT_EQ(read(*store, 1, 0, 3), bytes(3100, 1));
  const auto second_group = bytes(3100, 1);
  EXPECT_EQ(read(*store, 1, 0, 2), std::vector(second_group.begin() + 100, second_group.end()));
  EXPECT_EQ(read(*store, 2, 5, 2), bytes(3000, 2));
  EXPECT_EQ(store->find({3, 0}), nullptr);
  EXPECT_EQ(fs::status(segment()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(PageStoreTest, GivesNothingForOtherKeysOrGroupsThatItLacks) {
  auto store = open();
  store->write({1, 0}, keys(0), 1, bytes(100, 1));
  store->write({2, 0}, keys(0), 1, bytes(100, 1));
  EXPECT_TRUE(read(*store, 1, 9, 1).empty());
  EXPECT_TRUE(read(*store, 2, 0, 3).empty());
}

TEST_F(PageStoreTest, LeavesOutWhatIsDamagedWhereverABitIsFlipped) {
  open()->write({1, 0}, keys(0), 3, bytes(3100, 1));
  const fs::path path = segment();
  std::string whole(fs::file_size(path), 0);
  std::ifstream(path, std::ios::binary).read(whole.data(), std::streamsize(whole.size()));
  for (size_t at = 0; at < whole.size(); at += at < 400 ? 1 : 97) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 4);
    std::ofstream(path, std::ios::binary) << damaged;
    auto store = open();
    const auto got = read(*store, 1, 0, 3);
    EXPECT_TRUE(got.empty()) << at;
  }
}

TEST_F(PageStoreTest, ReadsWhatIsWholeOfASegmentThatWasCutShort) {
  {
    auto store = open();
    for (uint64_t i = 0; i < 3; ++i) store->write({i, 0}, keys(int(i)), 1, bytes(100, int(i)));
  }
  fs::resize_file(segment(), fs::file_size(segment()) - 50);
  auto store = open();
  EXPECT_EQ(read(*store, 1, 1, 1), bytes(100, 1));
  EXPECT_EQ(store->find({2, 0}), nullptr);
  store->write({2, 0}, keys(2), 1, bytes(100, 2));  // a segment of its own
  EXPECT_EQ(read(*store, 2, 2, 1), bytes(100, 2));
  EXPECT_EQ(read(*store, 0, 0, 1), bytes(100, 0));
}

TEST_F(PageStoreTest, KeepsToItsLimitAndDropsTheOldest) {
  const uint64_t limit = 40 << 20;
  auto store = PageStore::open(folder_, limit, {1, 0}, {1 << 20});
  for (uint64_t i = 0; i < 100; ++i) store->write({i, 0}, keys(int(i)), 1, bytes(1 << 20, int(i)));
  EXPECT_LE(store->bytes(), limit);
  EXPECT_EQ(store->find({0, 0}), nullptr);
  EXPECT_NE(store->find({99, 0}), nullptr);
  uint64_t on_disk = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    if (entry.path().extension() == ".pages") on_disk += entry.file_size();
  EXPECT_EQ(on_disk, store->bytes());
}

TEST_F(PageStoreTest, LeavesOtherModelsHalfOfTheRoom) {
  for (uint64_t model = 1; model <= 3; ++model) {
    auto store = PageStore::open(folder_, 40 << 20, {model, 0}, {1 << 20});
    for (uint64_t i = 0; i < 18; ++i) store->write({i, 0}, keys(int(i)), 1, bytes(1 << 20, int(i)));
    EXPECT_GE(store->bytes(), uint64_t{18} << 20);
  }
}

TEST_F(PageStoreTest, SharesTheRoomWithModelsThatAreInUse) {
  constexpr uint64_t kLimit = 96 << 20, kSegment = 16 << 20;
  const auto open_one = [&](uint64_t model) { return PageStore::open(folder_, kLimit, {model, 0}, {1 << 20}); };
  std::vector<std::unique_ptr<PageStore>> stores;
  uint64_t next = 0;
  const auto write = [&](PageStore& store, int records) {
    for (int i = 0; i < records; ++i, ++next) store.write({next, 0}, keys(int(next)), 1, bytes(1 << 20, int(next)));
  };
  const auto on_disk = [&] {
    uint64_t all = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (entry.path().extension() == ".pages") all += entry.file_size();
    return all;
  };
  for (uint64_t model = 1; model <= 3; ++model) {
    stores.push_back(open_one(model));
    write(*stores.back(), 100);  // the first fills it all
    EXPECT_LE(on_disk(), kLimit + 3 * kSegment) << model;
  }
  for (int round = 0; round < 20; ++round) {
    for (auto& store : stores) write(*store, 8);
  }
  EXPECT_LE(on_disk(), kLimit + 3 * kSegment);
  uint64_t claimed = 0;
  for (const auto& store : stores) {
    EXPECT_GE(store->bytes(), kLimit / 3 - 2 * kSegment);
    claimed += store->bytes();
  }
  EXPECT_EQ(on_disk(), claimed);  // nobody's files were removed under it
}

TEST_F(PageStoreTest, GoesOnInTheNewestFile) {
  for (uint64_t i = 0; i < 5; ++i) open()->write({i, 0}, keys(int(i)), 1, bytes(100, int(i)));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) files += entry.path().extension() == ".pages";
  EXPECT_EQ(files, 1);
  std::ofstream(segment(), std::ios::app) << "half a record";
  open()->write({5, 0}, keys(5), 1, bytes(100, 5));
  auto store = open();
  for (uint64_t i = 0; i < 6; ++i) EXPECT_EQ(read(*store, i, int(i), 1), bytes(100, int(i))) << i;
}

TEST_F(PageStoreTest, FollowsNoLinks) {
  const fs::path precious = folder_.string() + "-precious";
  std::ofstream(precious) << "precious";
  for (const char* name : {"lock", "secret"}) {
    fs::remove_all(folder_);
    open();
    const fs::path own = segment_folder();
    fs::remove(own / name);
    fs::create_symlink(precious, own / name);
    EXPECT_THROW(open(), Error) << name;
  }
  EXPECT_EQ(fs::file_size(precious), 8u);
  fs::remove(precious);
}

TEST_F(PageStoreTest, LeavesFilesThatAreNotItsOwn) {
  const std::string hexadecimal(32, 'a');  // looks like ours, but open() did not make it
  const fs::path letters[] = {folder_ / "letter.pages", folder_ / "letters/1.pages", folder_ / hexadecimal / "1.pages"};
  for (const fs::path& letter : letters) {
    fs::create_directories(letter.parent_path());
    std::ofstream(letter) << std::string(5000, 'x');
  }
  { auto store = PageStore::open(folder_, 1000, {1, 0}, {100}); }
  for (const fs::path& letter : letters) EXPECT_TRUE(fs::exists(letter)) << letter;
}

TEST_F(PageStoreTest, IsOneProcessAtATime) {
  auto first = open();
  EXPECT_EQ(open(), nullptr);
  EXPECT_NE(open(1 << 30, 2), nullptr);
  first = nullptr;
  EXPECT_NE(open(), nullptr);
}

TEST_F(PageStoreTest, SaysWhichFolderCannotBeUsed) {
  std::ofstream(folder_) << "a file";
  try {
    open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(folder_.string()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace troika::engine
