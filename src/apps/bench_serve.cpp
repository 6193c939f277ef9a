// troika bench serve: what users of an OpenAI-compatible server meet under load, whoever made the server: how
// long they wait for the first token and from one to the next, what fails, and how much gets done.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/bench_report.h"
#include "apps/bench_serve_load.h"
#include "apps/bench_serve_values.h"
#include "apps/printable.h"
#include "base/error.h"

namespace troika::apps {
namespace {

using load::Figures;
using nlohmann::ordered_json;

struct Options {
  std::string url = "http://127.0.0.1:8000", model, api_key;
  std::vector<int> users{1, 4, 8, 16};
  std::vector<double> rates;
  std::string duration = "60s", warm_up = "5s", timeout = "5m";
  std::string prompt_tokens = "128..1024", output_tokens = "64..256";
  std::string hang_ups = "0%", malformed = "0%", pictures = "0%", first_token = "0s", gap = "0s";
  int shared_prefix = 0, picture_side = 448;
  uint64_t seed = 1;
  bool chat = false, json = false;
  ServerTrust trust;
};

// The options with their values read.
struct Plan {
  load::Mix mix;
  load::Promise promise;
  std::vector<load::Load> loads;
  double timeout_s = 0;
};

Plan plan_of(const Options& o) {
  Plan plan;
  plan.mix = {.prompt_tokens = load::read_range("--prompt-tokens", o.prompt_tokens),
              .output_tokens = load::read_range("--output-tokens", o.output_tokens),
              .shared_prefix = o.shared_prefix,
              .hang_ups = load::read_share("--hang-ups", o.hang_ups),
              .malformed = load::read_share("--malformed", o.malformed),
              .pictures = load::read_share("--pictures", o.pictures),
              .picture_side = o.picture_side,
              .seed = o.seed};
  if (plan.mix.shared_prefix >= plan.mix.prompt_tokens.least)
    fail("--shared-prefix {}: the shortest prompt has {} tokens (--prompt-tokens) and needs some of its own",
         o.shared_prefix, plan.mix.prompt_tokens.least);
  if (plan.mix.pictures > 0 && !o.chat) fail("--pictures are shown in chats only; add --chat");
  if (plan.mix.hang_ups + plan.mix.malformed > 1)
    fail("--hang-ups and --malformed are together more than all requests");
  plan.promise = {.first_token_s = load::read_seconds("--slo-ttft", o.first_token),
                  .gap_s = load::read_seconds("--slo-gap", o.gap)};
  plan.timeout_s = load::read_seconds("--timeout", o.timeout);
  const double warm_up_s = load::read_seconds("--warm-up", o.warm_up);
  const double duration_s = load::read_seconds("--duration", o.duration);
  if (duration_s <= 0 || plan.timeout_s <= 0) fail("--duration and --timeout are more than 0 seconds");
  const load::Window window{warm_up_s, warm_up_s + duration_s};
  for (double rate : o.rates)
    plan.loads.push_back({.rate = rate, .number = plan.loads.size(), .window = window});
  if (!o.rates.empty()) return plan;
  for (int users : o.users)
    plan.loads.push_back({.users = users, .number = plan.loads.size(), .window = window});
  return plan;
}

std::string first_model(load::Transfers& transfers, const std::string& url) {
  const auto reply = transfers.fetch(url + "/v1/models", "");
  const auto json = ordered_json::parse(reply.body, nullptr, false);
  try {
    return json.at("data").at(0).at("id").get<std::string>();
  } catch (const ordered_json::exception&) {
    fail("{}/v1/models names no model (HTTP {}); name one with --model", url, reply.status);
  }
}

// How many tokens a word is here: what 64 more words add to a prompt. 1 where the server does not count for
// us.
double tokens_a_word(const load::Server& server, const load::Mix& mix) {
  constexpr int kFew = 16, kMany = 80;
  const auto count = [&](int words) {
    return load::run_alone(server, load::plain_request(mix, server.dialect, uint64_t(words), words, 1))
        .prompt_tokens;
  };
  const int more = count(kMany) - count(kFew);
  return more > 0 ? double(more) / (kMany - kFew) : 1;
}

// The longest prompt twice, alone: what a cache is worth to who asks again.
struct Again {
  int prompt_tokens = 0;
  double first_s = 0, again_s = 0;  // to the first token
  std::optional<int> cached_tokens;
};

Again ask_again(const load::Server& server, const load::Mix& mix) {
  constexpr int kOutput = 8;
  constexpr uint64_t kNumber = 1000;  // no number of words that tokens_a_word asks
  const int words = load::words_for(mix.prompt_tokens.most, server.dialect);
  const std::string body = load::plain_request(mix, server.dialect, kNumber, words, kOutput);
  const auto first_token = [](const load::Outcome& o) {
    return o.pieces_s.empty() ? o.end_s : o.pieces_s.front();
  };
  const load::Outcome first = load::run_alone(server, body), again = load::run_alone(server, body);
  return {.prompt_tokens = again.prompt_tokens,
          .first_s = first_token(first),
          .again_s = first_token(again),
          .cached_tokens = again.cached_tokens};
}

std::string name_of(const load::Load& l) {
  return l.users > 0 ? fmt::format("{} user{}", l.users, l.users > 1 ? "s" : "")
                     : fmt::format("{} a second", l.rate);
}

void print_head(const Options& o, const load::Server& server, const Again& again) {
  fmt::print("{}{}, model {}: prompts of {} tokens, answers of {}, seed {}\n", o.url, server.dialect.path(),
             printable(server.dialect.model), o.prompt_tokens, o.output_tokens, o.seed);
  fmt::print("a prompt of {} tokens, alone: first token after {:.3f} s; asked again, {:.3f} s{}\n\n",
             again.prompt_tokens, again.first_s, again.again_s,
             again.cached_tokens ? fmt::format(", {} of them cached", *again.cached_tokens) : "");
  fmt::print("{:<14}{:>8}{:>7}{:>8}{:>9}  {:>26}  {:>31}  {:>17}{:>8}\n", "", "", "", "", "",
             "first token, s", "gap, ms", "whole answer, s", "");
  fmt::print("{:<14}{:>8}{:>7}{:>8}{:>9}  {:>8}{:>9}{:>9}  {:>7}{:>8}{:>8}{:>8}  {:>8}{:>9}{:>8}{}\n", "load",
             "requests", "failed", "done/s", "tokens/s", "p50", "p95", "p99", "p50", "p95", "p99", "max",
             "p50", "p95", "cached", o.first_token == "0s" && o.gap == "0s" ? "" : "  in time");
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} %", 100 * *share) : "—";
}

void print_line(const load::Load& l, const Figures& f, const load::Promise& promise) {
  fmt::print(
      "{:<14}{:8}{:7}{:8.2f}{:9.1f}  {:8.3f}{:9.3f}{:9.3f}  {:7.1f}{:8.1f}{:8.1f}{:8.1f}  "
      "{:8.2f}{:9.2f}{:>8}{}\n",
      name_of(l), f.requests, f.failed, f.completed_per_s, f.tokens_per_s, f.first_token_s.p50,
      f.first_token_s.p95, f.first_token_s.p99, 1e3 * f.gap_s.p50, 1e3 * f.gap_s.p95, 1e3 * f.gap_s.p99,
      1e3 * f.gap_s.most, f.whole_s.p50, f.whole_s.p95, percent(f.cached_share),
      promise.any() ? fmt::format("{:>9}", percent(f.in_time_share)) : "");
  if (f.hung_up + f.refused > 0)
    fmt::print("    {} hung up as planned, {} malformed were refused as they should be\n", f.hung_up,
               f.refused);
  for (const auto& [kind, count] : f.errors) fmt::print("    {} × {}\n", count, printable(kind));
  constexpr double kOneTokenAPiece = 1.1;
  if (f.tokens_a_piece > kOneTokenAPiece)
    fmt::print("    a gap is of {:.1f} tokens here\n", f.tokens_a_piece);
  std::fflush(stdout);  // a line may be minutes away from the next
}

ordered_json to_json(const load::Load& l, const Figures& f) {
  ordered_json json = {{"users", l.users > 0 ? ordered_json(l.users) : ordered_json()},
                       {"rate", l.users > 0 ? ordered_json() : ordered_json(l.rate)},
                       {"seconds", l.window.seconds()}};
  json.update(load::to_json(f));
  return json;
}

ordered_json to_json(const load::Range& range) { return {{"min", range.least}, {"max", range.most}}; }

void print_json(const Options& o, const Plan& plan, const load::Server& server, const Again& again,
                const ordered_json& loads) {
  ordered_json json = {
      {"url", o.url},
      {"endpoint", server.dialect.path()},
      {"model", server.dialect.model},
      {"machine", machine_json()},  // the clients'
      {"seed", o.seed},
      {"prompt_tokens", to_json(plan.mix.prompt_tokens)},
      {"output_tokens", to_json(plan.mix.output_tokens)},
      {"shared_prefix", plan.mix.shared_prefix},
      {"hang_ups", plan.mix.hang_ups},
      {"malformed", plan.mix.malformed},
      {"pictures", plan.mix.pictures},
      {"picture_side", plan.mix.picture_side},
      {"slo_ttft_s", plan.promise.first_token_s},
      {"slo_gap_s", plan.promise.gap_s},
      {"tokens_a_word", server.dialect.tokens_a_word},
      {"again",
       {{"prompt_tokens", again.prompt_tokens},
        {"first_token_s", again.first_s},
        {"again_first_token_s", again.again_s},
        {"cached_tokens", again.cached_tokens ? ordered_json(*again.cached_tokens) : ordered_json()}}},
      {"loads", loads}};
  std::puts(json.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

void bench_serve(Options& o) {
  const Plan plan = plan_of(o);
  while (o.url.ends_with('/')) o.url.pop_back();
  if (o.url.ends_with("/v1")) o.url.resize(o.url.size() - 3);
  load::Transfers transfers(o.api_key, plan.timeout_s, o.trust);
  load::Server server{.transfers = transfers, .url = o.url, .dialect = {.model = o.model, .chat = o.chat}};
  if (o.model.empty()) server.dialect.model = first_model(transfers, o.url);
  server.dialect.tokens_a_word = tokens_a_word(server, plan.mix);
  const Again again = ask_again(server, plan.mix);
  if (!o.json) print_head(o, server, again);
  auto loads = ordered_json::array();
  for (const load::Load& l : plan.loads) {
    const Figures figures = figures_of(run_load(server, plan.mix, l), l.window, plan.promise);
    loads.push_back(to_json(l, figures));
    if (!o.json) print_line(l, figures, plan.promise);
  }
  if (o.json) print_json(o, plan, server, again, loads);
}

}  // namespace

void add_bench_serve(CLI::App& bench) {
  auto o = std::make_shared<Options>();
  auto* verb = bench.add_subcommand("serve", "What users of an OpenAI-compatible server meet under load");
  verb->add_option("--url", o->url, "the server, ours or another");
  verb->add_option("--model", o->model, "one of its models; else its first");
  verb->add_option("--api-key", o->api_key, "sent as Authorization: Bearer KEY")->envname("OPENAI_API_KEY");
  add_trust_options(*verb, o->trust);
  auto* users =
      verb->add_option("--users", o->users, "users who ask again as soon as they are answered: 1,8");
  users->delimiter(',')->allow_extra_args(false)->check(CLI::Range(1, 4096));
  verb->add_option("--rate", o->rates,
                   "instead: requests a second that come at random times, answered or not: 0.5,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.001, 10000.0))
      ->excludes(users);
  verb->add_option("--duration", o->duration, "what is measured of each load: 60s, 2m");
  verb->add_option("--warm-up", o->warm_up, "that each load runs before");
  verb->add_option("--timeout", o->timeout, "the longest that a request may take");
  verb->add_option("--prompt-tokens", o->prompt_tokens, "a length or a range of them: 128..1024");
  verb->add_option("--output-tokens", o->output_tokens, "the same, of answers");
  verb->add_option("--shared-prefix", o->shared_prefix, "tokens with which all prompts begin")
      ->check(CLI::Range(0, 1 << 20));
  verb->add_option("--hang-ups", o->hang_ups, "share of requests whose user hangs up in the answer: 10%");
  verb->add_option("--malformed", o->malformed, "share of requests that make no sense: 1%");
  verb->add_option("--pictures", o->pictures, "share of chats that show a picture, each another one: 25%");
  verb->add_option("--picture-side", o->picture_side, "their width and height in pixels")->check(CLI::Range(16, 4096));
  verb->add_option("--slo-ttft", o->first_token,
                   "count who waited no longer for the first token: 500ms; 0s: all");
  verb->add_option("--slo-gap", o->gap, "and no longer between two pieces of text: 200ms; 0s: all");
  verb->add_option("--seed", o->seed,
                   "other requests; a server that ran one seed may have its prompts in a cache");
  verb->add_flag("--chat", o->chat, "ask /v1/chat/completions instead of /v1/completions");
  verb->add_flag("--json", o->json, "as JSON");
  verb->callback([o] { bench_serve(*o); });
}

}  // namespace troika::apps
