// What was asked of the server, counted by route and status. Of the I/O thread: it counts, and the routes that show
// the counts are answered on it.
#pragma once

#include <ctime>
#include <map>
#include <string_view>
#include <utility>

#include <cstdint>

namespace troika::server {

class Traffic {
 public:
  using Key = std::pair<std::string_view, int>;  // a route's path in the table, or kNoRoute; an HTTP status

  static constexpr std::string_view kNoRoute = "none";

  void count(std::string_view route, int status) { ++answers_[{route, status}]; }

  const std::map<Key, int64_t>& answers() const { return answers_; }
  std::time_t started() const { return started_; }

 private:
  std::map<Key, int64_t> answers_;
  std::time_t started_ = std::time(nullptr);
};

}  // namespace troika::server
