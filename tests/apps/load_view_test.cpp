// How far a model is, on a terminal: the test's own error output becomes one.
#include "apps/load_view.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

namespace troika::apps {
namespace {

using namespace std::chrono_literals;

// What `show` writes to a terminal, or to a file when there is none.
template <typename Show>
std::string written(bool is_terminal, const Show& show) {
  int ends[2] = {-1, -1};  // to read from, to write to
  if (is_terminal) EXPECT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr), 0);
  else EXPECT_EQ(::pipe(ends), 0);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  show();
  std::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  char text[4096];
  const ssize_t count = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  ::close(ends[1]);
  return {text, size_t(std::max<ssize_t>(count, 0))};
}

void load_slowly() {
  LoadView view("tiny");
  const auto progress = view.progress();
  progress(0.1);  // too early to be noticed
  std::this_thread::sleep_for(310ms);
  progress(0.25);
  progress(0.254);  // nothing new
  progress(1);
}

TEST(LoadView, ShowsThePercentageAndWipesIt) {
  EXPECT_EQ(written(true, load_slowly), "\rloading tiny  25 %\rloading tiny 100 %\r                  \r");
}

TEST(LoadView, IsSilentWhereALoadIsQuick) {
  EXPECT_EQ(written(true, [] { LoadView("tiny").progress()(0.5); }), "");
}

TEST(LoadView, IsSilentWithoutATerminal) { EXPECT_EQ(written(false, load_slowly), ""); }

}  // namespace
}  // namespace troika::apps
