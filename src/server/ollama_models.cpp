// What Ollama's clients ask about models: /api/tags, /api/ps, /api/show, /api/version; and what a server whose models
// are fixed cannot do.
#include <algorithm>
#include <cctype>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/fill_in.h"
#include "server/ollama.h"
#include "server/ollama_request.h"

namespace troika::server {
namespace {

// Clients compare versions to know what they may ask for: the API as Ollama had it then.
constexpr const char* kSpokenVersion = "0.12.6";
constexpr const char* kForEver = "9999-12-31T23:59:59Z";

// 64 hexadecimal digits that change with the file, of its name, size and time: clients compare digests, and to read
// many gigabytes for a checksum would be a high price.
std::string digest_of(const engine::ModelInfo& model) {
  const std::string facts = fmt::format("{}\n{}\n{}", model.path, model.weight_bytes, model.created);
  std::string digest;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, four rounds
  for (int round = 0; round < 4; ++round) {
    for (const char byte : facts) hash = (hash ^ uint8_t(byte)) * 0x100000001b3;
    digest += fmt::format("{:016x}", hash);
  }
  return digest;
}

std::string tagged(const std::string& id) { return id.find(':') == id.npos ? id + ":latest" : id; }

// "18.2M", "7.6B"
std::string parameter_size(int64_t parameters) {
  const double millions = double(parameters) / 1e6;
  return millions < 1000 ? fmt::format("{:.1f}M", millions) : fmt::format("{:.1f}B", millions / 1e3);
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::toupper(c)); });
  return text;
}

Json details_of(const engine::ModelInfo& model) {
  return {{"parent_model", ""},
          {"format", model.format},
          {"family", model.architecture},
          {"families", Json::array({model.architecture})},
          {"parameter_size", parameter_size(model.parameters)},
          {"quantization_level", upper(model.quantisation)}};
}

Json capabilities_of(const engine::Engine& engine) {
  Json list = Json::array({"completion"});
  if (engine.model().pooling != engine::Pooling::other) list.push_back("embedding");
  if (engine.eyes()) list.push_back("vision");
  if (can_reason(engine)) list.push_back("thinking");
  if (can_fill_in(*engine.text().tokenizer)) list.push_back("insert");
  return list;
}

Json entry_of(const ServedModel& served) {
  const engine::ModelInfo& model = served.engine->model();
  return {{"name", tagged(served.id)},
          {"model", tagged(served.id)},
          {"size", model.weight_bytes},
          {"digest", digest_of(model)},
          {"details", details_of(model)}};
}

// The sampling that the model recommends, in the words of a Modelfile.
std::string parameters_of(const engine::SamplingOptions& sampling) {
  std::string text = fmt::format("temperature {}", sampling.temperature);
  if (sampling.top_k > 0) text += fmt::format("\ntop_k {}", sampling.top_k);
  if (sampling.top_p < 1) text += fmt::format("\ntop_p {}", sampling.top_p);
  if (sampling.min_p > 0) text += fmt::format("\nmin_p {}", sampling.min_p);
  if (sampling.repetition_penalty != 1) text += fmt::format("\nrepeat_penalty {}", sampling.repetition_penalty);
  return text;
}

Json model_info_of(const engine::ModelInfo& model) {
  const auto own = [&](const char* name) { return fmt::format("{}.{}", model.architecture, name); };
  return {{"general.architecture", model.architecture},
          {"general.basename", model.name},
          {"general.parameter_count", model.parameters},
          {own("block_count"), model.layers},
          {own("context_length"), model.model_context_length},
          {own("embedding_length"), model.width},
          {own("attention.head_count"), model.heads},
          {own("attention.head_count_kv"), model.kv_heads},
          {own("vocab_size"), model.vocabulary}};
}

}  // namespace

Reply ollama_tags(const Models& models, const HttpRequest&, std::string_view) {
  Json body = {{"models", Json::array()}};
  for (const ServedModel& served : models.all()) {
    Json entry = entry_of(served);
    entry["modified_at"] = rfc3339(served.engine->model().created * 1'000'000'000);
    entry["capabilities"] = capabilities_of(*served.engine);
    body["models"].push_back(std::move(entry));
  }
  return {.body = dump(body)};
}

// All are loaded, and stay so.
Reply ollama_ps(const Models& models, const HttpRequest&, std::string_view) {
  Json body = {{"models", Json::array()}};
  for (const ServedModel& served : models.all()) {
    Json entry = entry_of(served);
    entry["expires_at"] = kForEver;
    entry["size_vram"] = 0;
    entry["context_length"] = served.engine->model().context_length;
    body["models"].push_back(std::move(entry));
  }
  return {.body = dump(body)};
}

Reply ollama_show(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaShowSchema);
  const Fields& fields = asked.fields;
  const auto name = fields.string("model"), old_name = fields.string("name");
  if (!name && !old_name) fields.required("model");
  const ServedModel& served = models.find(name ? name : old_name);
  const engine::ModelInfo& model = served.engine->model();
  const std::string parameters = parameters_of(model.sampling);
  Json body = {{"license", model.licence},
               {"modelfile", fmt::format("FROM {}\n", tagged(served.id))},
               {"parameters", parameters},
               {"template", served.engine->text().tokenizer->data().chat_template},
               {"details", details_of(model)},
               {"model_info", model_info_of(model)},
               {"capabilities", capabilities_of(*served.engine)},
               {"modified_at", rfc3339(model.created * 1'000'000'000)}};
  Reply reply{.body = dump(body)};
  name_ignored(fields.unread(), reply);
  return reply;
}

Reply ollama_version(const Models&, const HttpRequest&, std::string_view) {
  Json body = Json::object();
  body["version"] = kSpokenVersion;
  return {.body = dump(body)};
}

Reply ollama_store(const Models&, const HttpRequest& http, std::string_view) {
  refuse("", "{} is not supported: this server's models are those it was started with (troika serve --model FILE).",
         http.path);
}

}  // namespace troika::server
