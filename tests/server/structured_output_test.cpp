// Structured output on a scripted engine: which grammar a request is given, by which of the many fields. That
// answers keep to it is the engine's business (tests/engine) and seen end to end in tests/e2e.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class StructuredOutput : public ServerTest {
 protected:
  // Whether the last request's grammar matches the whole text.
  bool takes(const std::string& text) {
    const auto grammar = engine.last_request().grammar;
    if (!grammar) return true;
    grammar::Matcher matcher(grammar);
    return matcher.accept(std::string_view(text)) && matcher.may_end();
  }
  void asks(const char* fields) {
    const RawReply reply = chat(Json::parse(fields));
    ASSERT_EQ(reply.status, 200) << fields << reply.body;
  }
};

TEST_F(StructuredOutput, IsAbsentUnlessAskedFor) {
  asks(R"({"response_format": {"type": "text"}})");
  EXPECT_EQ(engine.last_request().grammar, nullptr);
}

TEST_F(StructuredOutput, JsonObjectMeansAnyObject) {
  asks(R"({"response_format": {"type": "json_object"}})");
  EXPECT_TRUE(takes(R"({"a": [1]})"));
  EXPECT_FALSE(takes("[1]"));
  EXPECT_FALSE(takes("Sure: {}"));
}

TEST_F(StructuredOutput, ASchemaMayComeInAnyOfItsFields) {
  for (
      const char* fields : {
          R"({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "integer"}}}})",
          R"({"response_format": {"type": "json_object", "schema": {"type": "integer"}}})",
          R"({"json_schema": {"type": "integer"}})",
          R"({"guided_json": "{\"type\": \"integer\"}"})",
          R"({"structured_outputs": {"json": {"type": "integer"}}})",
          R"({"grammar": "root ::= \"-\"? [0-9]{1,15}"})",
          R"({"guided_grammar": "root ::= \"-\"? [0-9]{1,15}"})",
          R"({"guided_regex": "-?[0-9]{1,15}"})",
          R"({"structured_outputs": {"regex": "-?[0-9]{1,15}"}})",
          R"({"guided_choice": ["7", "-42"]})",
          R"({"structured_outputs": {"choice": ["7", "-42"], "json": null}})",
      }) {
    asks(fields);
    EXPECT_TRUE(takes("-42")) << fields;
    EXPECT_FALSE(takes("\"a\"")) << fields;
  }
}

TEST_F(StructuredOutput, WorksForTextCompletionsToo) {
  const RawReply reply = post("/v1/completions", R"({"prompt": "x", "guided_regex": "ab?"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(takes("ab"));
  EXPECT_FALSE(takes("b"));
}

TEST_F(StructuredOutput, BeginsBehindTheReasoning) {
  engine.use_template(kThinkingTemplate);
  const Json format = {{"response_format", {{"type", "json_object"}}}};
  chat(format);
  EXPECT_TRUE(takes("{}"));
  EXPECT_TRUE(takes("<think>\nHm, { or <b>? </th\n</think>\n\n{}"));
  EXPECT_FALSE(takes("<think>{}"));
  EXPECT_FALSE(takes("<think></think> so {}"));
  Json without = format;
  without["enable_thinking"] = false;
  chat(without);
  EXPECT_TRUE(takes("{}"));
  EXPECT_FALSE(takes("<think></think>{}"));
}

TEST_F(StructuredOutput, TellsTheKeywordAndItsPlace) {
  const RawReply reply = chat(Json::parse(
      R"({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"properties": {"a": {"contains": {}}}}}}})"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["code"], "invalid_json_schema");
  EXPECT_THAT(std::string(reply.error()["message"]),
              HasSubstr("at /properties/a/contains: the keyword 'contains' is not supported"));
}

}  // namespace
}  // namespace troika::server
