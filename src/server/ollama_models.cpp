// What Ollama's clients ask about models: /api/tags, /api/ps, /api/show, /api/version; and what it does not do.
#include <algorithm>
#include <cctype>

#include "base/log.h"
#include "power/governor.h"
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
std::string hash_of(const std::string& facts) {
  std::string digest;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, four rounds
  for (int round = 0; round < 4; ++round) {
    for (const char byte : facts) hash = (hash ^ uint8_t(byte)) * 0x100000001b3;
    digest += fmt::format("{:016x}", hash);
  }
  return digest;
}

std::string digest_of(const engine::ModelInfo& model) {
  return hash_of(fmt::format("{}\n{}\n{}", model.path, model.weight_bytes, model.created));
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

// What a model says of itself, loaded or not.
struct Described {
  const engine::ModelInfo& info;
  const text::TokenizerData& tokenizer;
  bool sees;
};

Described described(const engine::Engine& engine) {
  return {engine.model(), engine.text().tokenizer->data(), engine.eyes() != nullptr};
}

Json capabilities_of(const Described& model) {
  Json list = Json::array({"completion"});
  if (!model.tokenizer.chat_template.empty()) list.push_back("tools");
  if (model.info.pooling != engine::Pooling::other) list.push_back("embedding");
  if (model.sees) list.push_back("vision");
  if (can_reason(model.tokenizer)) list.push_back("thinking");
  if (can_fill_in(model.tokenizer)) list.push_back("insert");
  return list;
}

Json details_of(const ModelView& view) {
  if (view.engine()) return details_of(view.engine()->model());
  return {{"parent_model", ""},    {"format", "gguf"},        {"family", ""},
          {"families", Json::array()}, {"parameter_size", ""}, {"quantization_level", upper(view.offer.quantisation)}};
}

Json capabilities_of(const ModelView& view) {
  return view.engine() ? capabilities_of(described(*view.engine())) : Json::array({"completion"});
}

std::string digest_of(const ModelView& view) {
  if (!view.offer.digest.empty()) return view.offer.digest;
  if (view.engine()) return digest_of(view.engine()->model());
  return hash_of(fmt::format("{}\n{}\n{}", view.offer.id, view.offer.bytes, view.offer.created));
}

Json entry_of(const ModelView& view) {
  Json entry = {{"name", tagged(view.offer.id)},
          {"model", tagged(view.offer.id)},
          {"size", view.offer.bytes},
          {"digest", digest_of(view)},
          {"details", details_of(view)}};
  if (!view.stands_for.empty()) entry["stands_for"] = view.stands_for;
  return entry;
}

// Of one that takes memory, or is about to.
Json memory_entry_of(const ModelView& view) {
  Json entry = entry_of(view);
  entry["size"] = view.memory_bytes;
  entry["expires_at"] = kForEver;
  if (view.expires) {
    const auto at = view.expires->time_since_epoch();
    entry["expires_at"] = rfc3339(std::chrono::duration_cast<std::chrono::nanoseconds>(at).count());
  }
  entry["size_vram"] = 0;
  entry["pinned"] = view.offer.pinned;
  return entry;
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

void add_description(const Described& model, Json& body) {
  body["license"] = model.info.licence;
  body["parameters"] = parameters_of(model.info.sampling);
  body["template"] = model.tokenizer.chat_template;
  body["details"] = details_of(model.info);
  body["model_info"] = model_info_of(model.info);
  body["capabilities"] = capabilities_of(model);
}

// Nothing where the files cannot be read: what the list knows can be told all the same.
std::optional<engine::FileFacts> read_facts(ModelSource& source, const ModelView& view) {
  try {
    return source.facts(view.model);
  } catch (const std::exception& error) {
    log::warn("what the files of {} say is not known: {}", view.model, error.what());
    return std::nullopt;
  }
}

}  // namespace

Reply ollama_tags(const Models& models, const HttpRequest& request, std::string_view) {
  Json body = {{"models", Json::array()}};
  for (const ModelView& view : models.all(request.caller)) {
    Json entry = entry_of(view);
    entry["modified_at"] = rfc3339(view.offer.created * 1'000'000'000);
    entry["capabilities"] = capabilities_of(view);
    body["models"].push_back(std::move(entry));
  }
  return {.body = dump(body)};
}

Reply ollama_ps(const Models& models, const HttpRequest& request, std::string_view) {
  Json body = {{"models", Json::array()}};
  for (const ModelView& view : models.loaded(request.caller)) {
    Json entry = memory_entry_of(view);
    entry["context_length"] = view.engine()->model().context_length;
    body["models"].push_back(std::move(entry));
  }
  for (const ModelView& view : models.being_loaded(request.caller)) {
    Json entry = memory_entry_of(view);
    entry["loaded_share"] = view.share;
    body["models"].push_back(std::move(entry));
  }
  if (models.power()) body["power"] = power::explain(models.power()->status());  // ours, for `troika ps`
  return {.body = dump(body)};
}

// Of a model that is not loaded, what its files say: clients ask this of every model they list.
Reply ollama_show(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaShowSchema);
  const Fields& fields = asked.fields;
  const auto name = fields.string("model"), old_name = fields.string("name");
  if (!name && !old_name) fields.required("model");
  const ModelView view = models.look(http.caller, name ? name : old_name);
  Json body = {{"license", ""},
               {"modelfile", fmt::format("FROM {}\n", tagged(view.offer.id))},
               {"parameters", ""},
               {"template", ""},
               {"details", details_of(view)},
               {"model_info", Json::object()},
               {"capabilities", capabilities_of(view)},
               {"modified_at", rfc3339(view.offer.created * 1'000'000'000)}};
  std::optional<engine::FileFacts> facts;
  if (!view.engine() && models.source()) facts = read_facts(*models.source(), view);
  if (view.engine()) add_description(described(*view.engine()), body);
  else if (facts) add_description({facts->info, facts->tokenizer, facts->sees}, body);
  Reply reply{.body = dump(body)};
  name_ignored(fields.unread(), reply);
  return reply;
}

Reply ollama_version(const Models&, const HttpRequest&, std::string_view) {
  Json body = Json::object();
  body["version"] = kSpokenVersion;
  return {.body = dump(body)};
}

// No models are made here.
Reply ollama_create(const Models&, const HttpRequest& http, std::string_view) {
  refuse("", "{} is not supported: `troika quantize` and `troika cp` make and name models.", http.path);
}

}  // namespace troika::server
