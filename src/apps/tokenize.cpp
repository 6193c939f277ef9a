// troika tokenize MODEL: a JSON array of strings on stdin becomes an array of arrays of ids, and back.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/files.h"
#include "apps/model_options.h"
#include "apps/verbs.h"
#include "base/error.h"
#include "engine/text_model.h"

namespace troika::apps {
namespace {

struct Options {
  std::string model;
  bool special = false, bos = false, decode = false;
};

std::string decode(const text::Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  for (int32_t id : ids) {
    if (id < 0 || id >= tokenizer.vocab_size()) fail("token id {} is not in the vocabulary of {}", id, tokenizer.vocab_size());
  }
  return tokenizer.decode(ids, false);
}

void tokenize(const Options& o) {
  engine::TextModel text = engine::TextModel::load(find_model(o.model));
  nlohmann::ordered_json in = parse_json(read_stdin(), "the input"), out = nlohmann::ordered_json::array();
  if (!in.is_array()) fail("the input is no JSON array of {}", o.decode ? "arrays of ids" : "strings");
  try {
    for (const auto& item : in) {
      if (o.decode) {
        out.push_back(decode(*text.tokenizer, to_ids(item, "the input")));
      } else {
        out.push_back(text.tokenizer->encode(item.get_ref<const std::string&>(),
                                             {.parse_special = o.special, .add_bos = o.bos}));
      }
    }
  } catch (const nlohmann::json::exception&) {
    fail("the input is no JSON array of {}", o.decode ? "arrays of ids" : "strings");
  }
  std::puts(out.dump().c_str());
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* verb = app.add_subcommand("tokenize", "Turn a JSON array of strings (stdin) into token ids");
  verb->add_option("model", o->model, "GGUF file, safetensors folder or name")->required();
  verb->add_flag("--special", o->special, "special tokens in the text are parsed");
  verb->add_flag("--bos", o->bos, "put the beginning-of-sequence token first");
  verb->add_flag("--decode", o->decode, "turn arrays of ids into strings");
  verb->callback([o] { tokenize(*o); });
}

}  // namespace troika::apps
