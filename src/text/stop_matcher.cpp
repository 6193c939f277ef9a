// All automata step byte by byte; UTF-8 needs no care, since a character's bytes never occur inside
// another's.
#include "text/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace troika::text {

StopMatcher::StopMatcher(std::vector<std::string> stops) {
  for (std::string& text : stops) {
    if (text.empty()) continue;
    Stop stop{.text = std::move(text)};
    stop.border.assign(stop.text.size() + 1, 0);
    for (size_t length = 1, border = 0; length < stop.text.size(); ++length) {
      while (border > 0 && stop.text[border] != stop.text[length]) border = stop.border[border];
      if (stop.text[border] == stop.text[length]) ++border;
      stop.border[length + 1] = border;
    }
    stops_.push_back(std::move(stop));
  }
}

void StopMatcher::advance(Stop& stop, char next) {
  while (stop.matched > 0 && stop.text[stop.matched] != next) stop.matched = stop.border[stop.matched];
  if (stop.text[stop.matched] == next) ++stop.matched;
}

StopMatcher::Result StopMatcher::append(std::string_view text) {
  if (stopped_) return {.emit = {}, .stopped = true, .stop = {}};
  for (const char next : text) {
    held_.push_back(next);
    const Stop* found = nullptr;
    for (Stop& stop : stops_) {
      advance(stop, next);
      const bool longer = found == nullptr || stop.text.size() > found->text.size();
      if (stop.matched == stop.text.size() && longer) found = &stop;
    }
    if (found != nullptr) {
      stopped_ = true;
      held_.resize(held_.size() - found->text.size());
      return {.emit = std::exchange(held_, {}), .stopped = true, .stop = found->text};
    }
  }
  size_t keep = 0;
  for (const Stop& stop : stops_) keep = std::max(keep, stop.matched);
  Result result{.emit = held_.substr(0, held_.size() - keep)};
  held_.erase(0, result.emit.size());
  return result;
}

std::string StopMatcher::flush() { return std::exchange(held_, {}); }

}  // namespace troika::text
