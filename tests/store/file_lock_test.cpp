// Who holds a lock, and who has to wait.
#include "store/file_lock.h"

#include <thread>

#include "files/scratch.h"
#include "store/stopped.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

TEST(FileLock, IsTakenWithoutWaitingOnlyWhenItIsFree) {
  files::Scratch scratch;
  {
    auto held = FileLock::take_if_free(scratch / "lock");
    ASSERT_TRUE(held);
    EXPECT_FALSE(is_free(scratch / "lock"));
    EXPECT_FALSE(FileLock::take_if_free(scratch / "lock"));
  }
  EXPECT_TRUE(FileLock::take_if_free(scratch / "lock"));
  scratch.write("file", "");
  EXPECT_FALSE(FileLock::take_if_free(scratch / "file/lock"));
}

TEST(FileLock, AStopEndsTheWait) {
  files::Scratch scratch;
  FileLock held(scratch / "lock", {});
  std::stop_source stop;
  EXPECT_THROW(FileLock(scratch / "lock", stop.get_token(), [&] { stop.request_stop(); }), Stopped);
}

TEST(FileLock, WhoHoldsADeletedFileHoldsNothing) {
  files::Scratch scratch;
  auto first = std::make_optional<FileLock>(scratch / "lock", std::stop_token());
  auto delete_it = [&] {
    fs::remove(scratch / "lock");
    first.reset();
  };
  FileLock second(scratch / "lock", {}, delete_it);
  EXPECT_FALSE(FileLock::take_if_free(scratch / "lock"));
}

}  // namespace
}  // namespace troika::store
