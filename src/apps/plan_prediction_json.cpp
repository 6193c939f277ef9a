#include <nlohmann/json.hpp>

#include "apps/plan_prediction.h"
#include "plan/segments.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

ordered_json names(const Prediction& p, const std::vector<size_t>& devices) {
  auto all = ordered_json::array();
  for (size_t d : devices) all.push_back(p.machine.devices[d].name);
  return all;
}

// Stretches of the tape: [device, first op, last op + 1].
ordered_json stretches(const Prediction& p, const plan::Placement& placement) {
  auto all = ordered_json::array();
  for (const plan::Stretch& s : plan::cut(placement.device_of_op))
    all.push_back({p.machine.devices[size_t(s.device)].name, s.begin, s.end});
  return all;
}

ordered_json to_json(const plan::Met& m) {
  return {{"first_token_mean_s", m.first_token_mean_s},
          {"first_token_last_s", m.first_token_last_s},
          {"longest_gap_s", m.longest_gap_s},
          {"all_done_s", m.all_done_s}};
}

ordered_json to_json(const plan::SideLane& h, const Prediction& p) {
  return {{"devices", names(p, h.lane.devices)},
          {"prompt_tokens_per_s", h.lane.prompt_rate},
          {"prompt", stretches(p, h.lane.prompt)},
          {"slowed", {h.slowed[0], h.slowed[1]}},
          {"planned", p.plan.two_lanes},
          {"eight_at_once", {{"one_lane", to_json(h.alone)}, {"two_lanes", to_json(h.beside)}}},
          {"gain_if_both_read", h.gain},
          {"refusal", h.refusal}};
}

ordered_json by_device(const std::vector<double>& bytes, const Prediction& p) {
  ordered_json all = ordered_json::object();
  for (size_t d = 0; d < bytes.size(); ++d) all[p.machine.devices[d].name] = bytes[d];
  return all;
}

ordered_json to_json(const plan::Residency& r, const Prediction& p) {
  ordered_json second;
  if (r.side) {
    second = {{"weights", by_device(r.side->weights, p)}, {"cache_of_a_prompt", by_device(r.side->caches, p)},
              {"working", r.side->working}};
  }
  return {{"weights", by_device(r.main.weights, p)},
          {"cache_of_a_user", by_device(r.main.caches, p)},
          {"users", r.users},
          {"working", r.main.working},
          {"second_lane", second},
          {"tables", r.tables},
          {"tower", r.tower},
          {"needed", r.total()},
          {"of", p.machine.memory.bytes.value + p.machine.memory.carved.value}, {"reserved", p.machine.memory.reserved.value}};
}

ordered_json to_json(const plan::TargetLimits& t) {
  return {{"name", t.target.name},
          {"asked_tokens_per_s", {t.target.low, t.target.high}},
          {"gigabytes", t.target.gigabytes},
          {"bits", t.bits},
          {"one_stream", t.one_stream},
          {"one_stream_with_drafter", t.one_with_drafter},
          {"users_for", {t.users_for_low, t.users_for_high}},
          {"eight_users_with_drafter", t.eight_with_drafter},
          {"ceiling", t.ceiling},
          {"verdict", t.verdict()}};
}

}  // namespace

ordered_json to_json(const Prediction& p) {
  auto targets = ordered_json::array(), decode = ordered_json::array(), first = ordered_json::array();
  for (const plan::TargetLimits& t : p.targets) targets.push_back(to_json(t));
  for (const plan::DecodeRate& d : p.plan.decode)
    decode.push_back({{"users", d.users}, {"tokens_per_s_of_all", d.tokens_per_s}});
  for (const plan::FirstToken& f : p.plan.first_tokens)
    first.push_back({{"tokens", f.tokens}, {"cached", f.cached}, {"seconds", f.seconds}});
  ordered_json json = {{"machine", ordered_json::parse(plan::to_json(p.machine))},
                       {"machine_from", p.machine_from},
                       {"weights", p.weights},
                       {"context", p.sizes.context},
                       {"refusal", p.plan.refusal},
                       {"memory", to_json(p.plan.residency, p)},
                       {"targets", targets}};
  if (!p.plan.refusal.empty()) return json;
  json["users_served"] = p.plan.users_served;
  json["reasons"] = p.plan.reasons;
  ordered_json help;
  if (const auto& h = p.plan.main.help) {
    help = {{"device", p.machine.devices[h->device].name},
            {"layers", h->layers},
            {"prompt_tokens_per_s_without", p.plan.main.alone_rate}};
  }
  json["main"] = {{"devices", names(p, p.plan.main.devices)},
                  {"help", help},
                  {"run_with", plan::command_line(p.machine, p.plan)},
                  {"decode", stretches(p, p.plan.main.decode)},
                  {"prompt", stretches(p, p.plan.main.prompt)}};
  json["side"] = p.plan.side ? to_json(*p.plan.side, p) : ordered_json();
  auto pictures = ordered_json::array();
  for (const PictureTime& t : p.pictures) {
    pictures.push_back({{"devices", names(p, t.devices)}, {"tokens", t.tokens}, {"seconds", t.seconds}});
  }
  json["predicted"] = {{"decode", decode}, {"prompt_tokens_per_s", p.plan.main.prompt_rate}, {"first_token", first},
                       {"pictures", pictures}};
  return json;
}

}  // namespace troika::apps
