#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "apps/plan_facts.h"
#include "apps/plan_prediction.h"
#include "apps/printable.h"

namespace troika::apps {
namespace {

std::string gb(double bytes) { return size_text(size_t(bytes)); }

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::string seconds_text(double s) { return s < 1 ? fmt::format("{:.0f} ms", s * 1e3) : fmt::format("{:.2f} s", s); }

std::string memory_text(const Prediction& p) {
  const plan::Residency& r = p.plan.residency;
  std::vector<std::string> parts;
  for (size_t d = 0; d < p.machine.devices.size(); ++d) {
    if (r.weights_on(d) == 0) continue;
    parts.push_back(fmt::format("{} of weights for {}", gb(r.weights_on(d)), p.machine.devices[d].name));
  }
  parts.push_back(fmt::format("{} of keys and values for {} of {} tokens", gb(r.users * sum(r.main.caches)),
                              plan::users_text(r.users), p.sizes.context));
  if (r.side) parts.push_back(fmt::format("{} for a prompt in the second lane", gb(sum(r.side->caches))));
  if (r.tables > 0) parts.push_back(fmt::format("{} of tables, as they are mapped", gb(r.tables)));
  if (r.tower > 0) parts.push_back(fmt::format("{} of vision", gb(r.tower)));
  parts.push_back(fmt::format("{} to work with", gb(r.main.working + (r.side ? r.side->working : 0))));
  const double total = p.machine.memory.bytes.value + p.machine.memory.carved.value;
  return fmt::format("{} of {}, beside {} of the system: {}", gb(r.total()), gb(total), gb(p.machine.memory.reserved.value),
                     fmt::join(parts, ", "));
}

std::string decode_text(const plan::MachinePlan& plan) {
  std::vector<std::string> sums;
  for (size_t i = 1; i < plan.decode.size(); ++i)
    sums.push_back(fmt::format("{:.1f} of {}", plan.decode[i].tokens_per_s, plan.decode[i].users));
  return fmt::format("{:.1f} tokens/s for one user; the sum of several: {}", plan.decode[0].tokens_per_s,
                     fmt::join(sums, ", "));
}

std::string first_text(const plan::MachinePlan& plan, bool warm) {
  std::vector<std::string> parts;
  for (const plan::FirstToken& f : plan.first_tokens) {
    if ((f.cached > 0) != warm) continue;
    parts.push_back(warm ? fmt::format("{} for {} new tokens behind {} known ones", seconds_text(f.seconds), f.tokens, f.cached)
                         : fmt::format("{} for {}", seconds_text(f.seconds), f.tokens));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string met_text(const plan::Met& m) {
  return fmt::format("first token after {} (mean), {} (last); longest gap {}; all done after {}",
                     seconds_text(m.first_token_mean_s), seconds_text(m.first_token_last_s), seconds_text(m.longest_gap_s),
                     seconds_text(m.all_done_s));
}

void print_side(const Prediction& p) {
  const plan::SideLane& s = *p.plan.side;
  print_line("8 at once", fmt::format("one lane: {} ({} tokens each, answers of {})", met_text(s.alone), plan::kUsualPrompt,
                                      plan::kUsualAnswer));
  print_line("", fmt::format("with {} for prompts{}: {}", plan::names(p.machine, s.lane.devices),
                             p.plan.two_lanes ? "" : ", which is not planned", met_text(s.beside)));
  print_line("", fmt::format("if both read, which the engine does not do: waiting prompts {:.2f} times as fast", s.gain));
}

void print_pictures(const Prediction& p) {
  std::vector<std::string> parts;
  for (const PictureTime& t : p.pictures) {
    parts.push_back(fmt::format("{} by {}", seconds_text(t.seconds), plan::names(p.machine, t.devices)));
  }
  if (!parts.empty()) print_line("a picture", fmt::format("of {} tokens: {}", p.pictures[0].tokens, fmt::join(parts, ", ")));
}

void print_energy(const Prediction& p) {
  if (p.plan.main.devices.size() != 1) return;
  const plan::DeviceCosts& device = p.machine.devices[p.plan.main.devices[0]];
  if (device.watts.value == 0) return;
  print_line("energy",
             fmt::format("{:.2f} J a token of one answer, {:.3f} J of a prompt: {} at {:.1f} W beyond idle ({})",
                         device.watts.value / p.plan.decode[0].tokens_per_s, device.watts.value / p.plan.main.prompt_rate,
                         device.name, device.watts.value, name_of(device.watts.source)));
}

std::string count_or_none(int users) { return users > 0 ? fmt::format("{}", users) : "none"; }

void print_targets(const Prediction& p) {
  if (p.targets.empty()) return;
  fmt::print(
      "\nThe founding targets beside the limits of this machine: {:.1f} GB/s, {:.1f} T operations/s; 1024 tokens a user, "
      "cache in "
      "q8_0.\nLimits are what no software exceeds; one stream is one answer, the others are sums of several users.\n\n",
      p.machine.bounds.read_bytes_per_s.value / 1e9, p.machine.bounds.matrix.value / 1e12);
  fmt::print("{:<24} {:>9} {:>6} {:>5} {:>11} {:>13} {:>15} {:>15} {:>8}\n", "model", "asked t/s", "GB", "bits", "one stream",
             "with drafter", "users for these", "8 with drafter", "ceiling");
  for (const plan::TargetLimits& t : p.targets) {
    fmt::print("{:<24} {:>9} {:>6.1f} {:>5.2f} {:>11.1f} {:>13.1f} {:>15} {:>15.0f} {:>8.0f}\n  {}\n", t.target.name,
               fmt::format("{:g}-{:g}", t.target.low, t.target.high), t.target.gigabytes, t.bits, t.one_stream,
               t.one_with_drafter, fmt::format("{} to {}", count_or_none(t.users_for_low), count_or_none(t.users_for_high)),
               t.eight_with_drafter, t.ceiling, t.verdict());
  }
}

}  // namespace

void print(const Prediction& p) {
  fmt::print("\n");
  print_line("machine", printable(fmt::format("{}: {}; {}", p.machine.name, p.machine.description, p.machine_from)));
  if (!p.plan.refusal.empty()) return print_line("plan", fmt::format("{} weights: {}", p.weights, p.plan.refusal));
  print_line("memory", fmt::format("{} weights: {}", p.weights, memory_text(p)));
  print_line("users", fmt::format("{} of {} tokens each have room", p.plan.users_served, p.sizes.context));
  for (const std::string& reason : p.plan.reasons) print_line(&reason == &p.plan.reasons[0] ? "devices" : "", reason);
  if (const auto options = plan::command_line(p.machine, p.plan); !options.empty()) print_line("run with", options);
  fmt::print("\nPredicted, not measured:\n");
  print_line("answers", decode_text(p.plan));
  print_line("prompts", fmt::format("{:.0f} tokens/s", p.plan.main.prompt_rate));
  print_line("first token", "cold: " + first_text(p.plan, /*warm=*/false));
  print_line("", "warm: " + first_text(p.plan, /*warm=*/true));
  if (p.plan.side && p.plan.side->refusal.empty()) print_side(p);
  print_pictures(p);
  print_energy(p);
  print_targets(p);
}

}  // namespace troika::apps
