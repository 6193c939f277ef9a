// Stop strings in a stream of text: what comes out never contains a stop string nor the beginning of one that
// may still be completed. The stop that is completed first ends the text; of several that end together, the
// longest. So the result does not depend on how the text is cut into pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troika::text {

class StopMatcher {
 public:
  // Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  struct Result {
    std::string emit;      // settled text
    bool stopped = false;  // a stop string was found; nothing is emitted after this
    std::string stop;      // which one
  };
  Result append(std::string_view text);
  // What is still held back, at the end of the stream.
  std::string flush();

 private:
  // One Knuth-Morris-Pratt automaton a stop: `matched` bytes of it are the end of the text so far.
  struct Stop {
    std::string text;
    std::vector<size_t> border;  // by length: the longest proper prefix that is also a suffix
    size_t matched = 0;
  };
  static void advance(Stop& stop, char next);

  std::vector<Stop> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace troika::text
