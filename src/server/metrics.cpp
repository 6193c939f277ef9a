// GET /metrics: the engines' counters and the server's traffic in Prometheus' exposition. Nothing is
// registered: every scrape turns a copy of what each engine published after its last step into metric
// families, one row of a table each.
#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <optional>
#include <span>

#include "base/platform.h"
#include "power/governor.h"
#include "server/observe.h"

namespace troika::server {
namespace {

using engine::EngineStats;
using engine::ModelInfo;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Snapshot {
  const std::string& id;
  const ModelInfo& info;
  EngineStats stats;
};

struct Number {
  const char *name, *help;
  MetricType type;
  double (*value)(const Snapshot&);
};

double pages_used(const Snapshot& s) { return double(s.stats.pages_total - s.stats.pages_free); }

double cache_share(const Snapshot& s) {
  return s.stats.pages_total > 0 ? pages_used(s) / double(s.stats.pages_total) : 0.0;
}

// One row a number of a model.
constexpr Number kNumbers[] = {
    {"troika_prompt_tokens_total", "Tokens of prompts whose first token was drawn, cached ones included.",
     MetricType::Counter, [](const Snapshot& s) { return double(s.stats.prompt_tokens); }},
    {"troika_cached_prompt_tokens_total", "Of these, tokens taken over from an earlier text in the cache.",
     MetricType::Counter, [](const Snapshot& s) { return double(s.stats.cached_tokens); }},
    {"troika_generated_tokens_total", "Tokens drawn.", MetricType::Counter,
     [](const Snapshot& s) { return double(s.stats.generated_tokens); }},
    {"troika_steps_total", "Steps computed.", MetricType::Counter,
     [](const Snapshot& s) { return double(s.stats.steps); }},
    {"troika_preemptions_total", "Times that a sequence made room for others, to go on later.", MetricType::Counter,
     [](const Snapshot& s) { return double(s.stats.preemptions); }},
    {"troika_rested_seconds_total", "Time between steps in which the engine rested to keep a ceiling of --power.",
     MetricType::Counter, [](const Snapshot& s) { return s.stats.rested_s; }},
    {"troika_pictures_total", "Pictures that went through the vision tower.", MetricType::Counter,
     [](const Snapshot& s) { return double(s.stats.pictures); }},
    {"troika_requests_running", "Requests in the batch.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.running); }},
    {"troika_requests_waiting", "Requests that wait for a place in the batch.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.waiting); }},
    {"troika_kv_pages", "Pages of the key-value cache.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.pages_total); }},
    {"troika_kv_pages_used", "Pages that running requests hold.", MetricType::Gauge, pages_used},
    {"troika_kv_bytes", "Memory of the key-value cache.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.cache_bytes); }},
    {"troika_kv_used_bytes", "Memory of the pages that running requests hold.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.cache_bytes_used); }},
    {"troika_kv_disk_bytes", "What the cache has on disk (--spill).", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.spilled_bytes); }},
    {"troika_kv_restored_tokens_total", "Tokens whose keys and values were read back from disk.", MetricType::Counter,
     [](const Snapshot& s) { return double(s.stats.restored_tokens); }},
    {"troika_prefill_lane_prompts_total", "Prompts that the lane for prompts (--prefill-device) handed over.",
     MetricType::Counter, [](const Snapshot& s) { return double(s.stats.lane_prompts); }},
    {"troika_prefill_lane_handed_tokens_total", "Tokens of these prompts whose keys and values it handed over.",
     MetricType::Counter, [](const Snapshot& s) { return double(s.stats.lane_tokens); }},
    {"troika_prefill_lane_tokens_total", "Tokens that it computed, of prompts cancelled on their way too.",
     MetricType::Counter, [](const Snapshot& s) { return double(s.stats.lane_computed_tokens); }},
    {"troika_prefill_lane_busy_seconds_total", "Time that it computed.", MetricType::Counter,
     [](const Snapshot& s) { return s.stats.lane_busy_s; }},
    {"troika_prefill_lane_lost", "1: it failed, and prompts are read by the model's own devices since.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.stats.lane_lost); }},
    {"troika_model_weight_bytes", "Memory of the model's weights.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.info.weight_bytes); }},
    {"troika_model_context_tokens", "Tokens that a request may have, prompt and answer together.", MetricType::Gauge,
     [](const Snapshot& s) { return double(s.info.context_length); }},
    // By these names the Gateway API inference extension's endpoint picker finds them without being told.
    {"vllm:num_requests_running", "troika_requests_running under the name that endpoint pickers read.",
     MetricType::Gauge, [](const Snapshot& s) { return double(s.stats.running); }},
    {"vllm:num_requests_waiting", "troika_requests_waiting under the name that endpoint pickers read.",
     MetricType::Gauge, [](const Snapshot& s) { return double(s.stats.waiting); }},
    {"vllm:kv_cache_usage_perc", "Share of troika_kv_pages in use, 0 to 1, under the name that endpoint pickers read.",
     MetricType::Gauge, cache_share},
};

// How requests ended.
struct Ending {
  const char* finish;
  int64_t EngineStats::* count;
};
constexpr Ending kEndings[] = {{"stop", &EngineStats::stopped},
                               {"length", &EngineStats::limited},
                               {"cancelled", &EngineStats::cancelled},
                               {"failed", &EngineStats::failed}};

template <typename Histogram>
ClientMetric::Histogram buckets_of(const Histogram& histogram) {
  ClientMetric::Histogram result;
  uint64_t below = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    below += uint64_t(histogram.counts[i]);
    const bool last = i == histogram.bounds().size();
    result.bucket.push_back(
        {.cumulative_count = below,
         .upper_bound = last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
  }
  result.sample_count = below;
  result.sample_sum = histogram.sum;
  return result;
}

struct Distribution {
  const char *name, *help;
  ClientMetric::Histogram (*value)(const EngineStats&);
};
constexpr Distribution kDistributions[] = {
    {"troika_time_to_first_token_seconds", "From the request's arrival at the engine to its first token.",
     [](const EngineStats& s) { return buckets_of(s.first_token_seconds); }},
    {"troika_inter_token_seconds", "From one token of a request to its next.",
     [](const EngineStats& s) { return buckets_of(s.gap_seconds); }},
    {"troika_request_duration_seconds", "From the request's arrival at the engine to its end.",
     [](const EngineStats& s) { return buckets_of(s.request_seconds); }},
    {"troika_queue_seconds", "From the request's arrival at the engine to the first step that computed for it.",
     [](const EngineStats& s) { return buckets_of(s.queued_seconds); }},
    {"troika_step_seconds", "Time that a step took.", [](const EngineStats& s) { return buckets_of(s.step_seconds); }},
    {"troika_step_rows", "Tokens computed in a step.", [](const EngineStats& s) { return buckets_of(s.step_rows); }},
};

using Labels = std::vector<ClientMetric::Label>;

ClientMetric measured(Labels labels, MetricType type, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

MetricFamily family(const char* name, const char* help, MetricType type) {
  return {.name = name, .help = help, .type = type, .metric = {}};
}

MetricFamily single(const char* name, const char* help, double value, Labels labels = {}) {
  MetricFamily one = family(name, help, MetricType::Gauge);
  one.metric.push_back(measured(std::move(labels), MetricType::Gauge, value));
  return one;
}

void add_engines(std::span<const Snapshot> snapshots, std::vector<MetricFamily>& families) {
  for (const Number& number : kNumbers) {
    MetricFamily numbers = family(number.name, number.help, number.type);
    for (const Snapshot& s : snapshots)
      numbers.metric.push_back(measured({{"model", s.id}}, number.type, number.value(s)));
    families.push_back(std::move(numbers));
  }
  for (const Distribution& distribution : kDistributions) {
    MetricFamily histograms = family(distribution.name, distribution.help, MetricType::Histogram);
    for (const Snapshot& s : snapshots) {
      ClientMetric metric;
      metric.label = {{"model", s.id}};
      metric.histogram = distribution.value(s.stats);
      histograms.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(histograms));
  }
  MetricFamily endings = family("troika_requests_total", "Requests that ended, by how.", MetricType::Counter);
  for (const Snapshot& s : snapshots)
    for (const Ending& ending : kEndings)
      endings.metric.push_back(measured({{"model", s.id}, {"finish", ending.finish}}, MetricType::Counter,
                                        double(s.stats.*ending.count)));
  families.push_back(std::move(endings));
  MetricFamily busy = family("troika_device_busy_seconds_total", "Time that the device computed for the model.",
                             MetricType::Counter);
  for (const Snapshot& s : snapshots)
    busy.metric.push_back(
        measured({{"model", s.id}, {"device", s.stats.device}}, MetricType::Counter, s.stats.busy_s));
  families.push_back(std::move(busy));
  // The last of the gauges that endpoint pickers read: its labels are the message.
  MetricFamily pages = family("vllm:cache_config_info", "Tokens of a cache page, and how many pages there are.",
                              MetricType::Gauge);
  for (const Snapshot& s : snapshots)
    pages.metric.push_back(measured({{"model", s.id},
                                     {"block_size", fmt::format("{}", s.stats.page_tokens)},
                                     {"num_gpu_blocks", fmt::format("{}", s.stats.pages_total)}},
                                    MetricType::Gauge, 1));
  families.push_back(std::move(pages));
}

struct Quantity {
  const char *name, *help;
  std::optional<double> platform::Reading::* value;
};
constexpr Quantity kQuantities[] = {
    {"troika_temperature_celsius", "Temperature of a device of this machine.", &platform::Reading::celsius},
    {"troika_power_watts", "Power that a device of this machine takes; a CPU's is its package's.",
     &platform::Reading::watts},
    {"troika_busy_ratio", "Share of time that a device of this machine says it is busy, for whomever.",
     &platform::Reading::busy},
};

// What has no sensor has no metric.
void add_sensors(const Models& models, std::vector<MetricFamily>& families) {
  const auto& readings = models.sensors().read(platform::Sensors::Clock::now());
  for (const Quantity& quantity : kQuantities) {
    MetricFamily known = family(quantity.name, quantity.help, MetricType::Gauge);
    for (const platform::Reading& reading : readings)
      if (const auto& value = reading.*quantity.value)
        known.metric.push_back(measured({{"sensor", reading.sensor}}, MetricType::Gauge, *value));
    if (!known.metric.empty()) families.push_back(std::move(known));
  }
}

MetricFamily counted(const char* name, const char* help, double value, Labels labels) {
  MetricFamily one = family(name, help, MetricType::Counter);
  one.metric.push_back(measured(std::move(labels), MetricType::Counter, value));
  return one;
}

// What engines may use, and the energy that the machine spent.
void add_power(const power::Governor& governor, std::vector<MetricFamily>& families) {
  const power::Status status = governor.status();
  const power::Decision& d = status.decision;
  families.push_back(single("troika_power_info", "The profile in force and what limits most; always 1.", 1,
                            {{"power", std::string(power::kProfileNames[size_t(status.wish.profile)])},
                             {"profile", std::string(d.rule->name)},
                             {"reason", std::string(power::kReasonNames[size_t(d.reason)])}}));
  families.push_back(single("troika_power_share_ratio", "Share of the time that steps may take.", d.limits.share));
  families.push_back(single("troika_power_threads_ratio", "Share of the CPU's threads that may compute.", d.limits.threads));
  if (status.seen.on_battery)
    families.push_back(single("troika_on_battery", "1 where batteries feed this machine.", *status.seen.on_battery));
  if (status.seen.charge)
    families.push_back(single("troika_battery_charge_ratio", "How full the batteries are.", *status.seen.charge));
  if (governor.meter().source() == power::Meter::Source::none) return;
  const Labels source{{"source", std::string(power::kSourceNames[size_t(governor.meter().source())])}};
  families.push_back(counted("troika_energy_joules_total", "Energy that this machine spent, for whomever.",
                             status.spent.joules, source));
  families.push_back(counted("troika_energy_seconds_total", "Time in which troika_energy_joules_total was spent.",
                             status.spent.seconds, source));
}

void add_server(const Models& models, std::vector<MetricFamily>& families) {
  MetricFamily answers =
      family("troika_http_requests_total", "HTTP requests answered, by route and status.", MetricType::Counter);
  for (const auto& [key, count] : models.traffic().answers())
    answers.metric.push_back(measured({{"route", std::string(key.first)}, {"code", fmt::format("{}", key.second)}},
                                      MetricType::Counter, double(count)));
  families.push_back(std::move(answers));
  families.push_back(single("troika_build_info", "The version that runs; always 1.", 1, {{"version", models.version()}}));
  families.push_back(single("process_start_time_seconds", "When the server started, seconds since 1970.",
                            double(models.traffic().started())));
  families.push_back(single("process_resident_memory_bytes", "Resident memory of the process.",
                            double(platform::resident_bytes())));
  families.push_back(single("troika_memory_available_bytes", "Memory that this machine could still give.",
                            double(platform::memory().available_bytes)));
}

}  // namespace

Reply metrics(const Models& models, const HttpRequest& request, std::string_view) {
  std::vector<Snapshot> snapshots;
  const std::vector<ModelView> loaded = models.loaded(request.caller);
  for (const ModelView& view : loaded)
    snapshots.push_back({view.offer.id, view.engine()->model(), view.stats()});
  std::vector<MetricFamily> families;
  add_engines(snapshots, families);
  add_server(models, families);
  add_sensors(models, families);
  if (models.power()) add_power(*models.power(), families);
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .body = prometheus::TextSerializer().Serialize(families)};
}

}  // namespace troika::server
