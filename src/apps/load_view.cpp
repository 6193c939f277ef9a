#include "apps/load_view.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "apps/printable.h"

namespace troika::apps {
namespace {

constexpr auto kNoticed = std::chrono::milliseconds(300);

}  // namespace

LoadView::LoadView(std::string name)
    : name_(printable(name)),
      is_terminal_(::isatty(STDERR_FILENO) != 0),
      began_(std::chrono::steady_clock::now()) {}

// Spaces wipe a line on every terminal; no escape sequence is needed.
LoadView::~LoadView() {
  if (width_ > 0) fmt::print(stderr, "\r{:{}}\r", "", width_);
}

engine::LoadProgress LoadView::progress() {
  return [this](double share) { show(share); };
}

void LoadView::show(double share) {
  const int percent = int(100 * share);
  if (!is_terminal_ || percent == percent_ || std::chrono::steady_clock::now() - began_ < kNoticed) return;
  percent_ = percent;
  const std::string line = fmt::format("loading {} {:>3} %", name_, percent);
  width_ = line.size();
  fmt::print(stderr, "\r{}", line);
  std::fflush(stderr);
}

}  // namespace troika::apps
