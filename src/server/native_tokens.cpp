// Texts as tokens and back: llama.cpp's /tokenize and /detokenize.
#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/native.h"

namespace troika::server {
namespace {

// A token's text, or its bytes where they are no text of their own.
Json piece_of(const text::Tokenizer& tokenizer, int32_t id) {
  const std::string_view bytes = tokenizer.bytes(id);
  if (tokenizer.decode({&id, 1}, false) == bytes) return bytes;
  Json list = Json::array();
  for (const char byte : bytes) list.push_back(int(uint8_t(byte)));
  return list;
}

}  // namespace

Reply tokenize(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kTokenizeSchema);
  const Fields& fields = asked.fields;
  const text::Tokenizer& tokenizer = *models.open(asked).engine->text().tokenizer;
  fields.required("content");
  const bool add_special = fields.boolean("add_special").value_or(false);
  const auto ids = tokenizer.encode(*fields.string("content"),
                                    {.parse_special = fields.boolean("parse_special").value_or(true),
                                     .add_bos = add_special && tokenizer.data().add_bos});
  Json tokens = Json::array();
  const bool with_pieces = fields.boolean("with_pieces").value_or(false);
  for (const int32_t id : ids) {
    if (with_pieces) {
      tokens.push_back({{"id", id}, {"piece", piece_of(tokenizer, id)}});
    } else {
      tokens.push_back(id);
    }
  }
  Json body = Json::object();
  body["tokens"] = std::move(tokens);
  Reply reply{.body = dump(body)};
  name_ignored(fields.unread(), reply);
  return reply;
}

Reply detokenize(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kDetokenizeSchema);
  const Fields& fields = asked.fields;
  const engine::Engine& engine = *models.open(asked).engine;
  const Json& tokens = fields.required("tokens");
  if (!tokens.is_array()) refuse("tokens", "tokens must be an array, not {}.", kind_of(tokens));
  std::vector<int32_t> ids;
  for (size_t i = 0; i < tokens.size(); ++i)
    ids.push_back(read_token_id(tokens[i], fmt::format("tokens[{}]", i), engine.model().vocabulary));
  Json body = Json::object();
  body["content"] = engine.text().tokenizer->decode(ids, false);
  Reply reply{.body = dump(body)};
  name_ignored(fields.unread(), reply);
  return reply;
}

}  // namespace troika::server
