#include "apps/bench_serve_load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <list>
#include <random>

#include "apps/bench_serve_answer.h"
#include "base/error.h"

namespace troika::apps::load {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kPause = 0.1;  // seconds that a user waits after a failure, lest a dead server be hammered
constexpr double kLongestWait = 1;
constexpr size_t kErrorBytes = 4096;  // kept of an answer that is none

struct Exchange {
  Answer answer;
  std::string error_body;
  int hang_up_after = 0;
  bool malformed = false, hung_up = false;
  double start_s = 0;

  bool receive(int status, std::string_view bytes, double now_s) {
    if (status != 200) {
      error_body += bytes.substr(0, kErrorBytes - std::min(kErrorBytes, error_body.size()));
      return true;
    }
    answer.receive(bytes, now_s);
    hung_up = hang_up_after > 0 && answer.pieces_s.size() >= size_t(hang_up_after) && !answer.done;
    return !hung_up;
  }

  // Of a sound request that we read to the end; "": it was answered.
  std::string error_of(int status, const std::string& error) const {
    if (!error.empty()) return error;
    if (status != 200) return fmt::format("HTTP {}", status);
    if (!answer.error.empty()) return answer.error;
    return answer.done ? "" : "the stream ended early";
  }

  Outcome outcome(int status, const std::string& error, double now_s) {
    Outcome o{.start_s = start_s,
              .end_s = now_s,
              .pieces_s = std::move(answer.pieces_s),
              .prompt_tokens = answer.prompt_tokens.value_or(0),
              .cached_tokens = answer.cached_tokens};
    o.tokens = answer.tokens.value_or(int(o.pieces_s.size()));
    if (malformed) {
      const bool refused = error.empty() && status >= 400 && status < 500;
      o.fate = refused ? Fate::refused : Fate::failed;
      if (!refused)
        o.error = "malformed request: " + (error.empty() ? fmt::format("HTTP {}", status) : error);
      return o;
    }
    o.error = hung_up ? "" : error_of(status, error);
    o.fate = hung_up ? Fate::hung_up : o.error.empty() ? Fate::completed : Fate::failed;
    return o;
  }
};

class Run {
 public:
  Run(const Server& server, const Mix& mix, const Load& load) : server_(server), mix_(mix), load_(load) {}

  std::vector<Outcome> run() {
    while (now_s() < load_.window.end_s || awaited_ > 0) {
      const double wait_s = start_due();
      server_.transfers.turn(std::min(wait_s, kLongestWait));
    }
    server_.transfers.hang_up_all();
    return std::move(outcomes_);
  }

 private:
  double now_s() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  // Returns the seconds until the next one is due.
  double start_due() {
    if (load_.users > 0) {
      const double wait_s = rest_until_s_ - now_s();
      if (wait_s > 0) return wait_s;
      while (exchanges_.size() < size_t(load_.users)) start(now_s());
      const double left_s = load_.window.end_s - now_s();
      return left_s > 0 ? left_s : kLongestWait;
    }
    // Times count from when a request was due, not from when we came to send it.
    for (; next_arrival_s_ <= now_s(); next_arrival_s_ += waiting_time_(random_) / load_.rate)
      start(next_arrival_s_);
    return next_arrival_s_ - now_s();
  }

  void start(double start_s) {
    Asked asked = request_of(mix_, server_.dialect, load_.number, started_++);
    auto exchange = exchanges_.insert(
        exchanges_.end(),
        {.hang_up_after = asked.hang_up_after, .malformed = asked.malformed, .start_s = start_s});
    awaited_ += is_awaited(*exchange);
    server_.transfers.start(
        {.url = server_.url + server_.dialect.path(),
         .body = std::move(asked.body),
         .receive = [this, exchange](
                        int status,
                        std::string_view bytes) { return exchange->receive(status, bytes, now_s()); },
         .end = [this, exchange](int status, const std::string& error) { end(exchange, status, error); }});
  }

  void end(std::list<Exchange>::iterator exchange, int status, const std::string& error) {
    const bool awaited = is_awaited(*exchange);
    Outcome outcome = exchange->outcome(status, error, now_s());
    exchanges_.erase(exchange);
    if (outcome.fate == Fate::failed) rest_until_s_ = outcome.end_s + kPause;
    if (!awaited) return;
    --awaited_;
    outcomes_.push_back(std::move(outcome));
  }

  bool is_awaited(const Exchange& exchange) const { return exchange.start_s < load_.window.end_s; }

  const Server& server_;
  const Mix& mix_;
  const Load& load_;
  const Clock::time_point begin_ = Clock::now();
  std::list<Exchange> exchanges_;  // that run
  std::vector<Outcome> outcomes_;
  uint64_t started_ = 0;
  int awaited_ = 0;          // of those that run
  double rest_until_s_ = 0;  // closed loop
  // Open loop. The same times for every server, as for the requests.
  std::mt19937_64 random_{mix_.seed};
  std::exponential_distribution<double> waiting_time_;
  double next_arrival_s_ = 0;
};

}  // namespace

std::vector<Outcome> run_load(const Server& server, const Mix& mix, const Load& load) {
  return Run(server, mix, load).run();
}

Outcome run_alone(const Server& server, const std::string& body) {
  const Clock::time_point begin = Clock::now();
  const auto now_s = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const std::string url = server.url + server.dialect.path();
  Exchange exchange;
  Outcome outcome;
  bool ended = false;
  server.transfers.start(
      {.url = url,
       .body = body,
       .receive = [&](int status,
                      std::string_view bytes) { return exchange.receive(status, bytes, now_s()); },
       .end =
           [&](int status, const std::string& error) {
             outcome = exchange.outcome(status, error, now_s());
             ended = true;
           }});
  while (!ended) server.transfers.turn(kLongestWait);
  if (outcome.fate == Fate::failed)
    fail("{} does not answer: {} {}", url, outcome.error, exchange.error_body);
  return outcome;
}

}  // namespace troika::apps::load
