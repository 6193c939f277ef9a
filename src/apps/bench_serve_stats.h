// What the requests of a load came to: arithmetic on recorded times and nothing else. A load is measured in a
// window. Requests that began in it count for what they met, also when they ended behind it, so that the long
// ones are not left out; speeds count what arrived within it, whenever the request began.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troika::apps::load {

enum class Fate : uint8_t {
  completed,
  hung_up,  // by us, as planned
  refused,  // a malformed one, with a status of 4xx, as it should be
  failed,
};

// A request. Times are seconds since the load began.
struct Outcome {
  Fate fate = Fate::failed;
  double start_s = 0, end_s = 0;
  std::vector<double> pieces_s;      // when pieces of text arrived; a piece may hold several tokens
  int tokens = 0;                    // of the answer: as the server counted them, else its pieces
  int prompt_tokens = 0;             // as the server counted them, else 0
  std::optional<int> cached_tokens;  // of these, taken from a cache; nothing when the server does not tell
  std::string error;                 // the kind, of a failed one
};

struct Window {
  double begin_s = 0, end_s = 0;
  double seconds() const { return end_s - begin_s; }
  bool holds(double s) const { return begin_s <= s && s < end_s; }
};

// What users were promised. 0: nothing.
struct Promise {
  double first_token_s = 0, gap_s = 0;
  bool any() const { return first_token_s > 0 || gap_s > 0; }
};

// Percentiles are nearest ranks: the least value that so many percent of all values do not exceed.
struct Distribution {
  size_t count = 0;
  double p50 = 0, p95 = 0, p99 = 0, most = 0;
};
Distribution distribution_of(std::vector<double> values);

struct Figures {
  int requests = 0, completed = 0, hung_up = 0, refused = 0, failed = 0;  // that began in the window
  std::map<std::string, int> errors;                                      // kinds of the failed ones
  double completed_per_s = 0, tokens_per_s = 0;                           // tokens of completed answers alone
  Distribution first_token_s, gap_s, whole_s;      // of completed answers; a gap is between two pieces of one
  double tokens_a_piece = 0;                       // above 1: gaps are of several tokens
  double tokens_an_answer = 0, prompt_tokens = 0;  // means
  std::optional<double> cached_share;              // of the prompts' tokens
  // Of the completed and the failed requests, those that completed with no wait above what was promised.
  std::optional<double> in_time_share, in_time_per_s;
};
Figures figures_of(std::span<const Outcome> outcomes, const Window& window, const Promise& promise);

nlohmann::ordered_json to_json(const Figures& figures);

}  // namespace troika::apps::load
