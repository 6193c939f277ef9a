#include "apps/pull_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/printable.h"
#include "base/platform.h"
#include "store/download.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;
using store::size_text;

constexpr int kPercentStep = 5;  // between two lines where there is no terminal
constexpr int kBarWidth = 12;
constexpr int kNumbersWidth = 62;  // columns that stand after the name

int columns() {
  struct winsize size {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

int percent_of(const store::Progress& p) { return p.total == 0 ? 100 : int(double(p.completed) * 100 / double(p.total)); }

// "0:42", "12:07", "3:05:00"
std::string time_text(double seconds) {
  auto s = int64_t(std::min(seconds, 1e7));
  std::string text = fmt::format("{:02}:{:02}", s / 60 % 60, s % 60);
  return s < 3600 ? (text.starts_with('0') ? text.substr(1) : text) : fmt::format("{}:{}", s / 3600, text);
}

std::string bar(int percent) {
  int filled = percent * kBarWidth / 100;
  return "[" + std::string(size_t(filled), '#') + std::string(size_t(kBarWidth - filled), '.') + "]";
}

// The end of a long name tells more than its beginning.
std::string shortened(const std::string& name, size_t width) {
  return name.size() <= width ? name : ".." + name.substr(name.size() - width + 2);
}

// Weights take as much memory as their files.
std::string memory_text(uint64_t bytes) {
  size_t free = platform::memory().available_bytes;
  return fmt::format("predicted: {} ({} of memory are free)",
                     bytes + bytes / 10 <= free ? "it fits here" : "it does not fit here now", size_text(free));
}

std::string prefixed(const std::string& digest) {
  if (digest.empty()) return "";
  return (digest.size() == 64 ? "sha256:" : "git-sha1:") + digest;
}

void put_line(const ordered_json& json) {
  std::puts(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

}  // namespace

TerminalPullView::TerminalPullView() : terminal_(::isatty(STDERR_FILENO) != 0) {}

TerminalPullView::~TerminalPullView() {
  if (open_) std::fputs("\n", stderr);
}

store::PullEvents TerminalPullView::events() {
  return {[this](const store::PullPlan& plan) { show(plan); }, [this](const store::Progress& p) { show(p); }};
}

void TerminalPullView::show(const store::PullPlan& plan) {
  std::string here = plan.missing_bytes == plan.bytes ? ""
                     : plan.missing_bytes == 0        ? ", all here already"
                                                      : fmt::format(", {} still to come", size_text(plan.missing_bytes));
  std::string text = fmt::format("{} from {}: {} in {} file{}{}; {}\n", plan.name, plan.source, size_text(plan.bytes),
                                 plan.files.size(), plan.files.size() == 1 ? "" : "s", here, memory_text(plan.bytes));
  if (!plan.note.empty()) text += fmt::format("note: {}\n", plan.note);
  std::fputs(printable(text).c_str(), stderr);
}

void TerminalPullView::begin(const store::Progress& p) {
  if (open_) std::fputs("\n", stderr);
  file_ = p.file;
  open_ = false;
  came_ = false;
  shown_width_ = 0;
  shown_percent_ = -1;
}

std::string TerminalPullView::line(const store::Progress& p) const {
  auto width = size_t(std::clamp(columns() - kNumbersWidth, 16, 44));
  std::string name = fmt::format("{:<{}}", shortened(printable(p.file), width), width);
  if (p.stage == store::Stage::waiting) return name + " waits for another pull of this file";
  int percent = percent_of(p);
  std::string text = fmt::format("{} {} {:>3} %  ", name, bar(percent), percent);
  if (p.stage == store::Stage::done) return text + size_text(p.total);
  text += fmt::format("{} of {}", size_text(p.completed), size_text(p.total));
  if (p.stage == store::Stage::checking) return text + "  checking";
  double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  double rate = seconds > 0.5 ? double(p.completed - std::min(began_at_, p.completed)) / seconds : 0;
  if (rate == 0) return text;
  return text + fmt::format("  {}/s  {} left", size_text(uint64_t(rate)), time_text(double(p.total - p.completed) / rate));
}

void TerminalPullView::show(const store::Progress& p) {
  if (p.file != file_) begin(p);
  if (p.stage == store::Stage::downloading && !came_) {
    came_ = true;
    began_ = Clock::now();
    began_at_ = p.completed;
  }
  if (terminal_) return overwrite(line(p));
  int percent = p.stage == store::Stage::waiting ? -2 : percent_of(p) / kPercentStep * kPercentStep;
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  std::fputs((line(p) + "\n").c_str(), stderr);
}

// Spaces wipe what a longer line left; no escape sequence is needed.
void TerminalPullView::overwrite(const std::string& line) {
  std::string text = line.substr(0, size_t(columns() - 1));
  size_t width = text.size();
  if (width < shown_width_) text.append(shown_width_ - width, ' ');
  std::fputs(("\r" + text).c_str(), stderr);
  std::fflush(stderr);
  shown_width_ = width;
  open_ = true;
}

store::PullEvents JsonPullView::events() {
  return {[](const store::PullPlan& plan) {
            ordered_json files = ordered_json::array();
            for (const auto& file : plan.files) files.push_back({{"file", file.name}, {"total", file.bytes}});
            put_line({{"status", "planned"},
                      {"name", plan.name},
                      {"source", plan.source},
                      {"quantisation", plan.quantisation},
                      {"note", plan.note},
                      {"total", plan.bytes},
                      {"missing", plan.missing_bytes},
                      {"files", files}});
          },
          [](const store::Progress& p) {
            put_line({{"status", name_of(p.stage)},
                      {"file", p.file},
                      {"digest", prefixed(p.digest)},
                      {"total", p.total},
                      {"completed", p.completed}});
          }};
}

}  // namespace troika::apps
