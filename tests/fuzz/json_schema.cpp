// JSON schemas become a grammar under which text can be written, or are refused. What is written is JSON, and valid as far
// as the plain validator of the tests can tell: it follows no references without end, and knows other patterns.
#include "fuzz/input.h"
#include "fuzz/json_mutator.h"
#include "grammar/hostile_grammar.h"
#include "grammar/schema_validator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::grammar;
  const std::string_view schema = troika::fuzz::text_of(data, size);
  const samples::Written written = samples::try_hostile_grammar(samples::FrontEnd::json_schema, schema, uint32_t(size));
  if (!written.complete) return 0;
  const Json value = Json::parse(written.text, nullptr, false);
  if (value.is_discarded()) troika::fail("this was written and is no JSON: {}", written.text);
  const Json parsed = Json::parse(schema);
  const std::string plain = parsed.dump();
  if (plain.find("$ref") != plain.npos || plain.find("attern") != plain.npos) return 0;
  if (!samples::SchemaValidator(parsed).validates(value)) troika::fail("this was written and is not valid: {}", written.text);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t room, unsigned seed) {
  return troika::fuzz::mutate_json(data, size, room, seed);
}
