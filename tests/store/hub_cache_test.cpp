// The cache's layout, and what removing touches.
#include "store/hub_cache.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "files/scratch.h"
#include "store/digest.h"
#include "store/file_lock.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kOne(40, '1'), kTwo(40, '2');

class Cache : public testing::Test {
 protected:
  // Puts a file into a snapshot, as a download does.
  std::string put(const std::string& file, const std::string& content, const std::string& commit = kOne) {
    std::string digest = sha256_of(content);
    Destination place = cache_.place("Me/It", digest);
    fs::create_directories(place.file.parent_path());
    std::ofstream(place.file) << content;
    cache_.link("Me/It", commit, file, digest);
    return digest;
  }
  Snapshot only() const { return cache_.snapshots("Me/It").at(0); }
  // As the store does; returns the bytes freed.
  uint64_t remove(const std::vector<std::string>& files) const {
    Removal removal = cache_.remove(only(), files);
    for (const Destination& place : removal.parts) {
      removal.freed_bytes += fs::file_size(place.part);
      fs::remove(place.part);
    }
    cache_.tidy("Me/It");
    return removal.freed_bytes;
  }

  files::Scratch scratch_;
  fs::path root_ = scratch_ / "hub", repository_ = root_ / "models--Me--It";
  HubCache cache_{root_};
};

TEST_F(Cache, IsLaidOutAsTheHubsOwn) {
  std::string digest = put("Q8_0/a.gguf", "abc");
  put("b.gguf", "abc");
  cache_.set_revision("Me/It", "main", kOne);
  EXPECT_EQ(fs::read_symlink(repository_ / "snapshots" / kOne / "Q8_0/a.gguf"), "../../../blobs/" + digest);
  EXPECT_EQ(fs::read_symlink(repository_ / "snapshots" / kOne / "b.gguf"), "../../blobs/" + digest);
  EXPECT_EQ(scratch_.read("hub/models--Me--It/refs/main"), kOne);
  EXPECT_THAT(cache_.repositories(), ElementsAre("Me/It"));
  EXPECT_THAT(cache_.snapshots("me/IT").at(0).files, ElementsAre("Q8_0/a.gguf", "b.gguf"));
  EXPECT_EQ(cache_.snapshots("me/IT").at(0).repository, "Me/It");
  EXPECT_THAT(cache_.snapshots("me/other"), IsEmpty());
}

TEST_F(Cache, ShowsTheRevisionsSnapshotFirst) {
  put("a.gguf", "one", kOne);
  put("a.gguf", "two", kTwo);
  cache_.set_revision("Me/It", "main", kOne);
  EXPECT_EQ(only().commit, kOne);
  cache_.set_revision("Me/It", "main", kTwo);
  EXPECT_EQ(only().commit, kTwo);
  EXPECT_THAT(cache_.snapshots("Me/It", "v2"), IsEmpty());
  EXPECT_EQ(cache_.snapshots("Me/It", kOne).at(0).commit, kOne);
}

TEST_F(Cache, ALinkWithoutItsBlobIsNoFile) {
  fs::remove(repository_ / "blobs" / put("a.gguf", "abc"));
  EXPECT_THAT(only().files, IsEmpty());
}

TEST_F(Cache, RemovesBlobsThatNoOtherSnapshotShows) {
  put("a.gguf", "shared", kOne);
  put("b.gguf", "own", kOne);
  put("c.gguf", "shared", kTwo);
  cache_.set_revision("Me/It", "main", kOne);
  EXPECT_EQ(remove({"a.gguf", "b.gguf"}), 3u);
  EXPECT_TRUE(fs::exists(repository_ / "blobs" / sha256_of("shared")));
  EXPECT_FALSE(fs::exists(repository_ / "blobs" / sha256_of("own")));
  EXPECT_FALSE(fs::exists(repository_ / "snapshots" / kOne));
  EXPECT_FALSE(fs::exists(repository_ / "refs/main"));
  EXPECT_EQ(remove({"c.gguf"}), 6u);
  EXPECT_FALSE(fs::exists(repository_));
  EXPECT_TRUE(fs::exists(root_));
}

TEST_F(Cache, KeepsAPartOfAnotherDownload) {
  put("a.gguf", "abc");
  std::ofstream(repository_ / "blobs/other.incomplete") << "x";
  remove({"a.gguf"});
  EXPECT_TRUE(fs::exists(repository_ / "blobs/other.incomplete"));
}

TEST_F(Cache, WhatIsRemovedIsAnUnfinishedDownloadUntilItIsDeleted) {
  std::string digest = put("a.gguf", "abc");
  Removal removal = cache_.remove(only(), std::vector<std::string>{"a.gguf"});
  ASSERT_EQ(removal.parts.size(), 1u);
  EXPECT_EQ(removal.parts[0].part, cache_.place("Me/It", digest).part);
  EXPECT_FALSE(fs::exists(removal.parts[0].file));
  ASSERT_EQ(cache_.unfinished().size(), 1u);
  EXPECT_EQ(cache_.unfinished()[0].part, removal.parts[0].part);
}

TEST_F(Cache, APartThatAPullIsWritingIsNotReplacedByWhatIsRemoved) {
  std::string digest = put("a.gguf", "abc");
  Destination place = cache_.place("Me/It", digest);
  std::ofstream(place.part) << "new";
  FileLock pull(place.lock, {});
  Removal removal = cache_.remove(only(), std::vector<std::string>{"a.gguf"});
  EXPECT_EQ(removal.freed_bytes, 3u);
  EXPECT_THAT(removal.parts, IsEmpty());
  EXPECT_FALSE(fs::exists(place.file));
  EXPECT_EQ(scratch_.read("hub/models--Me--It/blobs/" + digest + ".incomplete"), "new");
}

TEST_F(Cache, WithoutLinksHasFilesOfItsOwnAndNoBlobs) {
  fs::create_directories(repository_ / "snapshots" / kOne);
  scratch_.write("hub/models--Me--It/snapshots/" + kOne + "/a.gguf", "abc");
  EXPECT_THAT(only().files, ElementsAre("a.gguf"));
  EXPECT_EQ(remove({"a.gguf"}), 3u);
  EXPECT_FALSE(fs::exists(repository_));
}

TEST_F(Cache, ABranchThatIsNoCommitSaysNothing) {
  put("a.gguf", "abc");
  fs::create_directories(repository_ / "refs");
  scratch_.write("hub/models--Me--It/refs/main", std::string(4097, 'x'));
  EXPECT_EQ(only().commit, kOne);
  EXPECT_THAT(cache_.snapshots("Me/It", "v2"), IsEmpty());
  cache_.set_revision("Me/It", "main", kOne);
  EXPECT_EQ(scratch_.read("hub/models--Me--It/refs/main"), kOne);
  scratch_.write("hub/models--Me--It/refs/main", std::string(4097, 'x'));
  EXPECT_EQ(remove({"a.gguf"}), 3u);
}

TEST_F(Cache, RemovesNothingOutside) {
  put("a.gguf", "abc");
  fs::path outside = scratch_.write("outside", "precious");
  auto refused = [&](const std::string& file) -> std::string {
    try {
      cache_.remove(only(), std::vector<std::string>{"a.gguf", file});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  fs::path snapshot = repository_ / "snapshots" / kOne;
  fs::create_symlink(outside, snapshot / "absolute.gguf");
  fs::create_symlink("../../../../outside", snapshot / "relative.gguf");
  fs::create_symlink("../../blobs/../../../outside", snapshot / "dots.gguf");
  fs::create_directory(scratch_ / "folder");
  scratch_.write("folder/b.gguf", "precious");
  fs::create_directory_symlink(scratch_ / "folder", snapshot / "sub");
  for (const char* file : {"absolute.gguf", "relative.gguf", "dots.gguf", "sub/b.gguf"}) {
    EXPECT_THAT(refused(file), HasSubstr("leads out of the cache")) << file;
    EXPECT_TRUE(fs::exists(snapshot / "a.gguf")) << file;
  }
  EXPECT_EQ(scratch_.read("outside"), "precious");
  EXPECT_EQ(scratch_.read("folder/b.gguf"), "precious");
}

TEST_F(Cache, ARepositoryThatIsALinkElsewhereIsNotRemovedFrom) {
  put("a.gguf", "abc");
  fs::rename(repository_, scratch_ / "elsewhere");
  fs::create_directory_symlink(scratch_ / "elsewhere", repository_);
  EXPECT_EQ(only().files.size(), 1u);  // to read it is fine
  EXPECT_THROW(cache_.remove(only(), std::vector<std::string>{"a.gguf"}), Error);
  EXPECT_TRUE(fs::exists(scratch_ / "elsewhere/blobs" / sha256_of("abc")));
}

TEST_F(Cache, LinksStayInside) {
  put("a.gguf", "abc");
  fs::create_directory(scratch_ / "folder");
  fs::create_directory_symlink(scratch_ / "folder", repository_ / "snapshots" / kOne / "sub");
  EXPECT_THROW(put("sub/b.gguf", "def"), Error);
  EXPECT_TRUE(fs::is_empty(scratch_ / "folder"));
}

}  // namespace
}  // namespace troika::store
