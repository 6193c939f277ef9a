// GET /api/troika/status: one snapshot in JSON, for the dashboard. Counters only grow; who wants rates takes the
// difference of two snapshots.
#include <algorithm>

#include "base/platform.h"
#include "power/governor.h"
#include "server/answer_json.h"
#include "server/observe.h"

namespace troika::server {
namespace {

template <typename Histogram>
Json describe(const Histogram& histogram) {
  return {{"bounds", histogram.bounds()}, {"counts", histogram.counts}, {"sum", histogram.sum}};
}

Json describe(const std::vector<ModelView::Replica>& replicas) {
  Json all = Json::array();
  for (const ModelView::Replica& replica : replicas) {
    const engine::EngineStats s = replica.engine->stats();
    all.push_back({{"running", s.running}, {"waiting", s.waiting}, {"fails", replica.is_passed_over}});
  }
  return all;
}

Json describe(const ModelView& view) {
  const engine::ModelInfo& model = view.engine()->model();
  const engine::EngineStats s = view.stats();
  return {{"id", view.offer.id},
          {"state", name_of(view.state)},
          {"name", model.name},
          {"architecture", model.architecture},
          {"device", s.device},
          {"lost_device", s.lost_device.empty() ? Json() : Json(s.lost_device)},
          {"slice", model.slice},
          {"parameters", model.parameters},
          {"weight_bytes", model.weight_bytes},
          {"streamed_bytes", model.streamed_bytes},
          {"context", model.context_length},
          {"trained_context", model.model_context_length},
          {"vocabulary", model.vocabulary},
          {"vision", view.engine()->eyes() != nullptr},
          {"replicas", describe(view.replicas)},
          {"running", s.running},
          {"waiting", s.waiting},
          {"cache",
           {{"page_tokens", s.page_tokens},
            {"pages", s.pages_total},
            {"pages_used", s.pages_total - s.pages_free},
            {"bytes", s.cache_bytes},
            {"bytes_used", s.cache_bytes_used}}},
          {"totals",
           {{"steps", s.steps},
            {"prompt_tokens", s.prompt_tokens},
            {"cached_tokens", s.cached_tokens},
            {"generated_tokens", s.generated_tokens},
            {"preemptions", s.preemptions},
            {"pictures", s.pictures},
            {"busy_seconds", s.busy_s},
            {"stopped", s.stopped},
            {"limited", s.limited},
            {"cancelled", s.cancelled},
            {"failed", s.failed}}},
          {"first_token_seconds", describe(s.first_token_seconds)},
          {"gap_seconds", describe(s.gap_seconds)},
          {"request_seconds", describe(s.request_seconds)},
          {"queued_seconds", describe(s.queued_seconds)},
          {"step_seconds", describe(s.step_seconds)},
          {"step_rows", describe(s.step_rows)}};
}

// Only what is known.
Json describe(const platform::Reading& reading) {
  Json known = {{"name", reading.sensor}};
  if (reading.celsius) known["celsius"] = *reading.celsius;
  if (reading.watts) known["watts"] = *reading.watts;
  if (reading.busy) known["busy"] = *reading.busy;
  return known;
}

Json describe_machine(platform::Sensors& sensors) {
  Json readings = Json::array();
  for (const platform::Reading& reading : sensors.read(platform::Sensors::Clock::now()))
    readings.push_back(describe(reading));
  const platform::Memory memory = platform::memory();
  const platform::Cpu& cpu = platform::cpu();
  return {{"cpu", cpu.name},
          {"cores", cpu.cores},
          {"memory_bytes", memory.total_bytes},
          {"memory_available_bytes", memory.available_bytes},
          {"resident_bytes", platform::resident_bytes()},
          {"sensors", std::move(readings)}};
}

Json describe(const power::Status& status) {
  const power::Decision& d = status.decision;
  return {{"power", power::kProfileNames[size_t(status.wish.profile)]},
          {"profile", d.rule->name},
          {"reason", power::kReasonNames[size_t(d.reason)]},
          {"threads", d.limits.threads},
          {"share", d.limits.share},
          {"text", power::explain(status)}};
}

Json describe(const Traffic& traffic) {
  Json answers = Json::array();
  for (const auto& [key, count] : traffic.answers())
    answers.push_back({{"route", key.first}, {"code", key.second}, {"count", count}});
  return answers;
}

}  // namespace

Reply status(const Models& models, const HttpRequest& request, std::string_view) {
  Json all = Json::array();
  for (const ModelView& model : models.loaded(request.caller)) all.push_back(describe(model));
  Json loading = Json::array();
  for (const ModelView& model : models.being_loaded(request.caller))
    loading.push_back({{"id", model.offer.id}, {"state", name_of(model.state)}, {"share", model.share}});
  return {.headers = {{"Cache-Control", "no-store"}},
          .body = dump({{"version", models.version()},
                        {"uptime_s", std::time(nullptr) - models.traffic().started()},
                        {"machine", describe_machine(models.sensors())},
                        {"power", models.power() ? describe(models.power()->status()) : Json()},
                        {"models", std::move(all)},
                        {"loading", std::move(loading)},
                        {"answers", describe(models.traffic())}})};
}

}  // namespace troika::server
