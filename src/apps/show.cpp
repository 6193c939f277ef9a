// troika show MODEL: what a model file says about itself, without loading it.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/model_options.h"
#include "apps/printable.h"
#include "apps/verbs.h"
#include "models/architecture.h"

namespace troika::apps {
namespace {

struct Options {
  std::string model;
  bool json = false, tensors = false, metadata = false;
};

struct Summary {
  uint64_t parameters = 0;
  std::map<std::string, int> types;
};

Summary summarise(const files::ModelFile& file) {
  Summary s;
  for (const files::TensorEntry& tensor : file.tensors()) {
    uint64_t values = 1;  // may wrap: nothing bounds the shape of a tensor whose type is unknown
    for (int64_t d : tensor.shape) values *= static_cast<uint64_t>(d);
    s.parameters += values;
    ++s.types[tensor.type];
  }
  return s;
}

void add_numbers(const models::ModelSpec& spec, nlohmann::ordered_json& facts) {
  facts["layers"] = spec.layers;
  facts["width"] = spec.width;
  facts["heads"] = spec.heads;
  facts["kv_heads"] = spec.kv_heads;
  facts["head_dim"] = spec.head_dim;
  facts["mlp_width"] = spec.mlp_width;
  facts["vocabulary"] = spec.vocabulary;
  facts["context"] = spec.context;
  facts["tied_head"] = spec.tied_head;
}

// A vision tower's file has no language model's numbers; what it holds can be said all the same.
bool is_tower(const files::ModelFile& file) { return file.metadata().text("general.architecture") == "clip"; }

nlohmann::ordered_json describe(const files::ModelFile& file) {
  Summary summary = summarise(file);
  nlohmann::ordered_json facts = {{"path", file.path().string()},
                                  {"format", file.kind() == files::FileKind::gguf ? "gguf" : "safetensors"},
                                  {"bytes", file.bytes()},
                                  {"architecture", "clip"},
                                  {"parameters", summary.parameters}};
  if (!is_tower(file)) {
    models::ModelSpec spec = models::architecture_of(file).read(file);
    facts["architecture"] = spec.family;
    add_numbers(spec, facts);
  }
  facts["tensor_types"] = summary.types;
  return facts;
}

void show(const Options& o) {
  auto file = files::ModelFile::open(find_model(o.model));
  nlohmann::ordered_json facts = describe(*file);
  if (o.json) {
    std::puts(facts.dump(2).c_str());
    return;
  }
  for (const auto& [key, value] : facts.items()) {
    fmt::print("{:<13} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (o.metadata) {
    fmt::print("\n");
    for (const auto& entry : file->metadata().entries()) {
      fmt::print("{} = {}\n", printable(entry.key), printable(to_text(entry.value)));
    }
  }
  if (o.tensors) {
    fmt::print("\n");
    for (const auto& t : file->tensors()) {
      fmt::print("{:<44} {:<6} [{}] {} bytes\n", printable(t.name), t.type, fmt::join(t.shape, ", "), t.bytes);
    }
  }
}

}  // namespace

void add_show(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("show", "Say what a model file holds");
  verb->add_option("model", o->model, "GGUF file, safetensors folder or name")->required();
  verb->add_flag("--json", o->json, "as JSON");
  verb->add_flag("--metadata", o->metadata, "every key of the file");
  verb->add_flag("--tensors", o->tensors, "every tensor");
  verb->callback([o] { show(*o); });
}

}  // namespace troika::apps
