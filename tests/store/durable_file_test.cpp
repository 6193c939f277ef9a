// What a process that was killed left behind is in nobody's way.
#include "store/durable_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "files/scratch.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

// Unfinished files under the names that this process would take next, as one with the same number left them:
// in a container every process may be number 1.
void leave_unfinished(const files::Scratch& scratch, const std::string& name) {
  for (int count = 1; count <= 1000; ++count)
    scratch.write(fmt::format(".{}.{}.{}", name, ::getpid(), count), "left");
}

TEST(DurableFile, IsReplacedWhereAKilledProcessLeftItsOwn) {
  files::Scratch scratch;
  leave_unfinished(scratch, "index.json");
  replace_file(scratch / "index.json", "one");
  replace_file(scratch / "index.json", "two");
  EXPECT_EQ(scratch.read("index.json"), "two");
}

TEST(DurableFile, ALinkIsReplacedWhereAKilledProcessLeftItsOwn) {
  files::Scratch scratch;
  leave_unfinished(scratch, "a.gguf");
  scratch.write("blob", "content");
  replace_link(scratch / "a.gguf", "blob");
  EXPECT_EQ(fs::read_symlink(scratch / "a.gguf"), "blob");
  EXPECT_EQ(scratch.read("a.gguf"), "content");
}

TEST(DurableFile, WhatCannotBeWrittenIsSaid) {
  files::Scratch scratch;
  EXPECT_THROW(replace_file(scratch / "none/index.json", "x"), Error);
  EXPECT_THROW(replace_link(scratch / "none/a.gguf", "x"), Error);
}

}  // namespace
}  // namespace troika::store
