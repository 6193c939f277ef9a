// tokenizer.model: SentencePiece's ModelProto, a protocol buffer. Of its fields we read the pieces (1) and what of the
// trainer's (2) and the normaliser's (3) settings changes how text is encoded; a setting that we do not follow is
// refused. Numbers of fields and defaults are those of sentencepiece_model.proto.
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "text/protobuf_reader.h"
#include "text/tokenizer.h"
#include "text/tokenizer_source.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

using Kind = ProtobufReader::Kind;
constexpr std::string_view kFile = "tokenizer.model";

uint64_t number_of(const ProtobufReader::Field& field) {
  if (field.kind != Kind::number) fail("{}: field {} is not a number", kFile, field.number);
  return field.value;
}

std::string_view bytes_of(const ProtobufReader::Field& field) {
  if (field.kind != Kind::bytes) fail("{}: field {} is not text", kFile, field.number);
  return field.bytes;
}

struct Piece {
  std::string_view text;
  float score = 0;
  TokenType type = TokenType::normal;
};

Piece read_piece(std::string_view message, size_t id) {
  Piece piece;
  ProtobufReader fields(message, kFile);
  while (const auto field = fields.next()) {
    if (field->number == 1) piece.text = bytes_of(*field);
    if (field->number == 2) {
      if (field->kind != Kind::four_bytes) fail("{}: the score of piece {} is not a number", kFile, id);
      std::memcpy(&piece.score, field->bytes.data(), sizeof piece.score);
    }
    if (field->number == 3) {
      const uint64_t type = number_of(*field);
      if (type < 1 || type > 6) fail("{}: piece {} has the unknown type {}", kFile, id, type);
      piece.type = static_cast<TokenType>(type);
    }
  }
  if (piece.text.empty() || !valid_utf8(piece.text)) fail("{}: piece {} is empty or no UTF-8", kFile, id);
  if (!std::isfinite(piece.score)) fail("{}: the score of piece {} is not a number", kFile, id);
  if (piece.type == TokenType::unused) fail("{}: piece {} is marked as unused, which is not supported", kFile, id);
  return piece;
}

struct Trainer {
  uint64_t model = 1;  // 1 unigram, 2 BPE
  bool space_as_suffix = false;
  int32_t unk = 0, bos = 1, eos = 2, pad = -1;  // below zero: none
};

Trainer read_trainer(std::string_view message) {
  Trainer trainer;
  ProtobufReader fields(message, kFile);
  while (const auto field = fields.next()) {
    const auto id = [&] { return static_cast<int32_t>(static_cast<uint32_t>(number_of(*field))); };
    switch (field->number) {
      case 3:
        trainer.model = number_of(*field);
        break;
      case 24:
        trainer.space_as_suffix = number_of(*field) != 0;
        break;
      case 40:
        trainer.unk = id();
        break;
      case 41:
        trainer.bos = id();
        break;
      case 42:
        trainer.eos = id();
        break;
      case 43:
        trainer.pad = id();
        break;
      default:
        break;
    }
  }
  return trainer;
}

struct Normalizer {
  bool has_rules = false;  // a table of characters to replace
  bool space_prefix = true, removes_spaces = true, spaces_as_signs = true;
};

Normalizer read_normalizer(std::string_view message) {
  Normalizer normalizer;
  ProtobufReader fields(message, kFile);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 2:
        normalizer.has_rules = !bytes_of(*field).empty();
        break;
      case 3:
        normalizer.space_prefix = number_of(*field) != 0;
        break;
      case 4:
        normalizer.removes_spaces = number_of(*field) != 0;
        break;
      case 5:
        normalizer.spaces_as_signs = number_of(*field) != 0;
        break;
      default:
        break;
    }
  }
  return normalizer;
}

void refuse_what_differs(const Trainer& trainer, const Normalizer& normalizer) {
  if (trainer.model != 2) fail("{}: the model type {} is not supported; supported is BPE (2)", kFile, trainer.model);
  if (trainer.space_as_suffix) fail("{}: white space as a suffix is not supported", kFile);
  if (normalizer.has_rules) fail("{}: normalisation by a table of characters is not supported", kFile);
  if (normalizer.removes_spaces) fail("{}: the removal of extra white space is not supported", kFile);
  if (!normalizer.spaces_as_signs) fail("{}: spaces that are not written as U+2581 are not supported", kFile);
}

}  // namespace

TokenizerData read_sentencepiece_model(std::string_view bytes, std::string_view tokenizer_config_json) {
  const std::optional<Document> config = open_config(tokenizer_config_json);
  TokenizerData data{.model = "sentencepiece", .nfc = false, .add_bos = true};
  TokenList tokens;
  std::vector<float> scores;
  Trainer trainer;
  Normalizer normalizer;
  ProtobufReader fields(bytes, kFile);
  while (const auto field = fields.next()) {
    if (field->number == 1) {
      if (scores.size() > kLargestId) fail("{}: more than {} pieces are too many", kFile, kLargestId);
      const Piece piece = read_piece(bytes_of(*field), scores.size());
      tokens.add(kFile, piece.text, static_cast<int32_t>(scores.size()), piece.type);
      scores.push_back(piece.score);
    } else if (field->number == 2) {
      trainer = read_trainer(bytes_of(*field));
    } else if (field->number == 3) {
      normalizer = read_normalizer(bytes_of(*field));
    }
  }
  refuse_what_differs(trainer, normalizer);
  const auto id_or_none = [&](int32_t id) {
    const bool known = id >= 0 && static_cast<size_t>(id) < scores.size();
    return known ? std::optional<int32_t>(id) : std::nullopt;
  };
  data.unk = id_or_none(trainer.unk);
  data.bos = id_or_none(trainer.bos);
  data.eos = id_or_none(trainer.eos);
  data.pad = id_or_none(trainer.pad);
  data.space_prefix = data.strip_leading_space = normalizer.space_prefix;
  read_config(config, tokens, data);
  scores.resize(data.tokens.size(), 0.0f);  // those that the configuration added
  data.scores = std::move(scores);
  return data;
}

}  // namespace troika::text
