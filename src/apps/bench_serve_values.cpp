#include "apps/bench_serve_values.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace troika::apps::load {
namespace {

// A number at the beginning of the text, which it takes away.
template <typename T>
std::optional<T> take(std::string_view& text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(size_t(end - text.data()));
  return value;
}

}  // namespace

Range read_range(const std::string& option, const std::string& text) {
  constexpr int kMost = 1 << 20;
  std::string_view rest = text;
  const auto least = take<int>(rest);
  auto most = least;
  if (rest.starts_with("..")) {
    rest.remove_prefix(2);
    most = take<int>(rest);
  }
  if (!least || !most || !rest.empty() || *least < 1 || *most < *least || *most > kMost)
    fail("{} {}: give a number of tokens or a range of them, such as 512 or 128..1024", option, text);
  return {*least, *most};
}

double read_seconds(const std::string& option, const std::string& text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"h", 3600}};
  constexpr double kMost = 7 * 24 * 3600;
  std::string_view rest = text;
  const auto number = take<double>(rest);
  for (auto [unit, seconds] : kUnits) {
    if (number && rest == unit && *number >= 0 && *number * seconds <= kMost) return *number * seconds;
  }
  fail("{} {}: give a time of at most a week, such as 60s, 250ms or 2m", option, text);
}

double read_share(const std::string& option, const std::string& text) {
  std::string_view rest = text;
  auto share = take<double>(rest);
  if (share && rest == "%") *share /= 100, rest = "";
  if (!share || !rest.empty() || !(*share >= 0 && *share <= 1))
    fail("{} {}: give a share of the requests, such as 10% or 0.1", option, text);
  return *share;
}

}  // namespace troika::apps::load
