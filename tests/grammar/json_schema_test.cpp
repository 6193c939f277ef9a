// JSON schemas: what each keyword lets through, and how the others are refused.
#include "grammar/json_schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grammar/samples.h"

namespace troika::grammar {
namespace {

using samples::of_schema;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Case {
  const char* schema;
  std::vector<std::string> matched, refused;
};

void check_cases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Automaton automaton = of_schema(c.schema);
    for (const std::string& text : c.matched)
      EXPECT_TRUE(matches(automaton, text)) << c.schema << " and " << text;
    for (const std::string& text : c.refused)
      EXPECT_FALSE(matches(automaton, text)) << c.schema << " and " << text;
  }
}

TEST(JsonSchema, WithoutRulesTakesAnyJson) {
  check_cases({{"{}",
                {"1", "-0.5e10", "\"\"", "[]", "{}", "true", "null",
                 R"({"a": [1, {"b": null}], "c": "\u00e9\ud83d\ude00"})", "[1,2]", "[\n  1,\n  2\n]",
                 R"("\"\\\/\b\f\n\r\t€🙂")"},
                {"", "01", "1.", ".5", "+1", "nul", "[1,]", "{\"a\"}", "'a'", "\"\n\"", R"("\ud800")",
                 R"("\x41")", "\"\xFF\"", "[1", "1 1", "\"\xED\xA0\x80\"", "NaN", "[1,\n\n\n2]"}},
               {R"({"title": "x", "description": "y", "x-note": [], "$comment": "z"})", {"1", "{}"}, {}}});
}

TEST(JsonSchema, ObjectsHaveTheirMembersInOrder) {
  check_cases({
      {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "null"}},
           "required": ["b"]})",
       {R"({"b":true})", R"({"a": 1, "b": false, "c": null})", R"({"a":1,"b":true})", "{\n  \"b\": true\n}"},
       {"{}", R"({"a":1})", R"({"b":true,"a":1})", R"({"b":true,"d":1})", R"({"b":true,})",
        R"({"a":1.5,"b":true})"}},
      {R"({"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}})",
       {"{}", R"({"a":null})", R"({"b":null})", R"({"a":null, "b":null})"},
       {R"({"a":null "b":null})", R"({,"b":null})", R"({"a":null,})"}},
      {R"({"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}})",
       {R"({"x":1})", R"({"x":1,"y":2})"},
       {"{}", R"({"y":2})", R"({"x":"1"})", R"({"x":1,"y":"2"})"}},
      {R"({"type": "object", "additionalProperties": false})", {"{}", "{ }"}, {R"({"a":1})"}},
      {R"({"type": "object"})", {"{}", R"({"a":1,"b":[{}]})"}, {"[]"}},
  });
}

TEST(JsonSchema, OtherMembersCannotBeDeclaredOnesInDisguise) {
  check_cases(
      {{R"({"type": "object", "properties": {"age": {"type": "integer"}, "agé": {"type": "null"}, "": {"type": "null"}},
                   "additionalProperties": {"type": "string"}})",
        {R"({"age": 1, "ag": "x"})", R"({"agee": "x", "zoo": "y"})", R"({"b": "x"})", R"({"€": "x"})"},
        {R"({"age": "x"})", R"({"\u0061ge": "x"})", R"({"agé": "x"})", R"({"": "x"})", R"({"ag": 1})"}}});
}

TEST(JsonSchema, ArraysHaveAsManyItemsAsTheyMay) {
  check_cases({
      {R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
       {"[1,2]", "[1, 2, 3]"},
       {"[]", "[1]", "[1,2,3,4]", "[1,\"2\"]"}},
      {R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"type": "array", "items": false})", {"[]"}, {"[1]"}},
      {R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}})",
       {"[]", "[1]", "[1,\"a\"]", "[1,\"a\",null,null]"},
       {"[\"a\"]", "[1,2]", "[1,\"a\",1]"}},
      {R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false, "minItems": 2})",
       {"[1,\"a\"]"},
       {"[]", "[1]", "[1,\"a\",null]"}},
      {R"({"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 2, "maxItems": 3, "items": {"type": "null"}})",
       {"[1,null]", "[1,null,null]"},
       {"[1]", "[1,null,null,null]"}},
      {R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "null"}], "maxItems": 1})",
       {"[]", "[1]"},
       {"[1,null]"}},
  });
}

TEST(JsonSchema, StringsKeepLengthPatternAndFormat) {
  check_cases({
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {"\"ab\"", "\"abc\"", "\"é€🙂\"", R"("\"\n")"},
       {"\"a\"", "\"abcd\"", "\"\"", "\"🙂\""}},
      {R"({"type": "string", "pattern": "^[a-z]+$"})", {"\"abc\""}, {"\"\"", "\"a1\"", "\"A\""}},
      {R"({"type": "string", "pattern": "b"})", {"\"b\"", "\"abc\"", "\"b\\\"\""}, {"\"\"", "\"ac\""}},
      {R"({"type": "string", "pattern": "^\"\\\\\\n$"})", {R"("\"\\\n")"}, {"\"\"", "\"\"\\\n\""}},
      {R"({"type": "string", "pattern": "^[a-z]*$", "minLength": 2, "maxLength": 4})",
       {"\"ab\"", "\"abcd\""},
       {"\"a\"", "\"abcde\"", "\"aB\""}},
      {R"({"type": "string", "format": "date"})",
       {"\"2024-02-28\"", "\"1999-12-31\""},
       {"\"2024-02-30\"", "\"2024-13-01\"", "\"2024-1-1\""}},
      {R"({"type": "string", "format": "date-time"})",
       {"\"2024-02-28T23:59:59Z\"", "\"2024-02-28T00:00:00.5+01:00\""},
       {"\"2024-02-28\"", "\"2024-02-28T24:00:00Z\""}},
      {R"({"type": "string", "format": "time"})", {"\"23:59:59Z\""}, {"\"23:60:59Z\"", "\"23:59:59\""}},
      {R"({"type": "string", "format": "uuid"})",
       {"\"123e4567-e89b-12d3-a456-426614174000\""},
       {"\"123e4567\""}},
      {R"({"type": "string", "format": "ipv4"})",
       {"\"255.0.10.1\""},
       {"\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\""}},
      {R"({"type": "string", "format": "ipv6"})",
       {"\"::1\"", "\"2001:db8::1\"", "\"1:2:3:4:5:6:7:8\""},
       {"\"1:2\"", "\":::\""}},
      {R"({"type": "string", "format": "email"})",
       {"\"a.b+c@example.org\""},
       {"\"a\"", "\"@b.c\"", "\".a@b.c\"", "\"a@b\""}},
      {R"({"type": "string", "format": "hostname"})", {"\"a-b.example\""}, {"\"-a\"", "\"a..b\""}},
      {R"({"type": "string", "format": "uri"})",
       {"\"https://a.b/c?d=e#f\"", "\"mailto:a@b.c\""},
       {"\"a b\"", "\"//x\""}},
      {R"({"type": "string", "format": "duration"})",
       {"\"P1DT2H\"", "\"PT5M\"", "\"P3W\""},
       {"\"P\"", "\"1D\"", "\"PT\""}},
  });
}

TEST(JsonSchema, IntegersKeepTheirBounds) {
  const std::pair<int, int> ranges[] = {{0, 150}, {-17, 230}, {-999, -5}, {7, 7},   {95, 1005},
                                        {-1, 1},  {0, 0},     {10, 19},   {-120, 0}};
  for (auto [low, high] : ranges) {
    Automaton a = of_schema(Json{{"type", "integer"}, {"minimum", low}, {"maximum", high}}.dump());
    Automaton open = of_schema(
        Json{{"type", "integer"}, {"exclusiveMinimum", low - 1}, {"exclusiveMaximum", high + 0.5}}.dump());
    for (int i = -1300; i <= 1300; ++i) {
      ASSERT_EQ(matches(a, std::to_string(i)), i >= low && i <= high) << low << " " << high << " " << i;
      ASSERT_EQ(matches(open, std::to_string(i)), i >= low && i <= high) << low << " " << high << " " << i;
    }
    for (const char* text : {"-0", "00", "1.0", "1e1", "", "-"}) EXPECT_FALSE(matches(a, text)) << text;
  }
  check_cases(
      {{R"({"type": "integer", "minimum": 5})", {"5", "999999999999999"}, {"4", "-5", "1000000000000000"}},
       {R"({"type": "integer", "maximum": -5})", {"-5", "-10"}, {"-4", "5", "0"}},
       {R"({"type": "integer", "multipleOf": 1})", {"5"}, {"5.5"}}});
}

TEST(JsonSchema, NumbersKeepTheirBounds) {
  struct Range {
    double low, high;
  };
  for (auto [low, high] :
       {Range{0, 1}, {-1.5, 2.25}, {0.1, 0.15}, {-3, -0.05}, {12, 1000.5}, {0.5, 0.5}, {-0.25, 0}, {3, 3}}) {
    for (bool exclusive : {false, true}) {
      if (exclusive && low == high) continue;
      Json schema = {{"type", "number"}};
      schema[exclusive ? "exclusiveMinimum" : "minimum"] = low;
      schema[exclusive ? "exclusiveMaximum" : "maximum"] = high;
      Automaton a = of_schema(schema.dump());
      for (int i = -4000; i <= 12000; ++i) {
        double value = i / 1000.0;
        bool inside = exclusive ? value > low && value < high : value >= low && value <= high;
        std::string short_form = fmt::format("{}", value), long_form = fmt::format("{:.4f}", value);
        if (i == 0) long_form = "0.0000";
        ASSERT_EQ(matches(a, short_form), inside) << schema << " " << short_form;
        ASSERT_EQ(matches(a, long_form), inside) << schema << " " << long_form;
      }
    }
  }
  check_cases(
      {{R"({"type": "number", "minimum": 0.5})", {"0.5", "0.50001", "100.25"}, {"0.49", "0", "-1", "-0.5"}},
       {R"({"type": "number", "exclusiveMaximum": 0})", {"-0.001", "-5"}, {"0", "-0", "0.0", "-0.0", "1"}}});
}

TEST(JsonSchema, ValuesAreAsTheyWereGiven) {
  check_cases({
      {R"({"enum": ["a", 1, null, {"b": [1.5]}, "\"é\n"]})",
       {"\"a\"", "1", "null", R"({"b":[1.5]})", R"("\"é\n")"},
       {"\"b\"", "2", R"({"b":[2]})", "a"}},
      {R"({"const": "x"})", {"\"x\""}, {"\"y\""}},
      {R"({"type": "string", "enum": ["a", 1, "b"]})", {"\"a\"", "\"b\""}, {"1"}},
      {R"({"enum": [1, 2, 3, 4], "minimum": 2, "exclusiveMaximum": 4})", {"2", "3"}, {"1", "4"}},
      {R"({"enum": ["abc", "de"], "minLength": 3})", {"\"abc\""}, {"\"de\""}},
      {R"({"type": ["integer", "null"]})", {"1", "null"}, {"\"\"", "1.5"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"0"}},
  });
}

TEST(JsonSchema, AlternativesAreJoinedWithWhatStandsBesideThem) {
  check_cases({
      {R"({"anyOf": [{"type": "string"}, {"type": "integer"}]})", {"\"a\"", "1"}, {"1.5", "null"}},
      {R"({"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"],
           "anyOf": [{"properties": {"x": {"type": "null"}}, "required": ["x"]}, {"properties": {"y": {"type": "null"}}, "required": ["y"]}]})",
       {R"({"k":1,"x":null})", R"({"k":1,"y":null})"},
       {R"({"k":1})", R"({"x":null})"}},
      {R"({"oneOf": [{"type": "object", "properties": {"t": {"const": "a"}, "v": {"type": "integer"}}, "required": ["t", "v"]},
                     {"type": "object", "properties": {"t": {"const": "b"}, "w": {"type": "string"}}, "required": ["t", "w"]}]})",
       {R"({"t":"a","v":1})", R"({"t":"b","w":"x"})"},
       {R"({"t":"a","w":"x"})", R"({"t":"c","v":1})"}},
      {R"({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}, {"type": "number", "minimum": 1}]})",
       {"3", "5"},
       {"2", "6", "3.5"}},
      {R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                     {"properties": {"b": {"type": "integer"}, "a": {"minimum": 5}}}]})",
       {R"({"a":5})", R"({"a":7,"b":1})"},
       {R"({"a":4})", R"({"b":1})"}},
      {R"({"allOf": [{"anyOf": [{"const": 1}, {"const": 2}]}, {"anyOf": [{"const": 2}, {"const": 3}]}]})",
       {"2"},
       {"1", "3"}},
      {R"({"allOf": [{"$ref": "#/$defs/base"}, {"$ref": "#/$defs/more"}], "$defs": {"base": {"type": "object",
           "properties": {"a": {"type": "integer"}}, "required": ["a"]}, "more": {"properties": {"b": {"type": "null"}}, "required": ["b"]}}})",
       {R"({"a":1,"b":null})"},
       {R"({"a":1})", R"({"b":null})"}},
      {R"({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": false,
           "allOf": [{"properties": {"b": {"type": "null"}}}]})",
       {"{}", R"({"a":null})"},
       {R"({"b":null})"}},
  });
}

TEST(JsonSchema, ReferencesMayGoInCircles) {
  check_cases({
      {R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"},
           "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["v", "next"]}}})",
       {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":{"v":3,"next":null}}})"},
       {R"({"v":1})", R"({"v":1,"next":{"v":2}})"}},
      {R"({"type": "array", "items": {"$ref": "#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
      {R"({"properties": {"a": {"$ref": "#/definitions/x~1y", "maximum": 5}}, "definitions": {"x/y": {"type": "integer"}}, "required": ["a"]})",
       {R"({"a":5})"},
       {R"({"a":6})", R"({"a":"x"})"}},
  });
}

TEST(JsonSchema, RefusesWithThePointerWhatItCannotHonour) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties": {"a/b": {"not": {}}}})",
       "at /properties/a~1b/not: the keyword 'not' is not supported"},
      {R"({"type": "object", "patternProperties": {}})", "'patternProperties' is not supported"},
      {R"({"if": {}})", "'if'"},
      {R"({"uniqueItems": true})", "uniqueItems"},
      {R"({"maxlength": 5})", "the keyword 'maxlength' is not known"},
      {R"({"type": "text"})", "at /type: 'type' must be"},
      {R"({"type": []})", "at /type"},
      {R"({"anyOf": []})", "at /anyOf"},
      {R"({"anyOf": [{"type": "object", "minProperties": 1}]})", "at /anyOf/0/minProperties"},
      {R"({"items": 5})", "at /items: a schema must be"},
      {R"({"minLength": -1})", "at /minLength"},
      {R"({"minLength": 1.5})", "at /minLength"},
      {R"({"maxLength": "5"})", "at /maxLength"},
      {R"({"maxItems": 1e9})", "at /maxItems"},
      {R"({"required": [1]})", "at /required"},
      {R"({"format": "zip"})", "the format 'zip' is not supported; supported: date"},
      {"{\"pattern\": \"(?=a)\"}", "at /pattern: at character 3"},
      {R"({"$ref": "other.json#/x"})", "another document"},
      {R"({"$ref": ""})", "another document"},
      {R"({"$ref": "#/nowhere"})", "leads nowhere"},
      {R"({"$ref": "#/default/x", "default": {"x": {"required": [5]}}})", "at /default/x/required"},
      {R"({"anyOf": [{"$ref": "#/const"}, {"type": "null"}], "const": {"not": {}}})", "at /const/not"},
      {R"({"type": "integer", "multipleOf": 3})", "at /multipleOf"},
      {R"({"type": "number", "minimum": 1e300})", "bounds beyond"},
      {R"({"type": "string", "minLength": 3, "maxLength": 2})", "less than minLength"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "at /oneOf: oneOf is supported where"},
      {R"({"enum": ["a"], "type": "integer"})", "none of the values"},
      {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "two different values of 'pattern'"},
      {R"({"type": "object", "properties": {"a": false}, "required": ["a"]})", "nothing can match"},
      {R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}})", "n"},
      {R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "nothing can match"},
      {R"({"allOf": [{"$ref": "#"}]})", "without end"},
      {"5", "a schema must be"},
  };
  for (const auto& [schema, why] : cases) {
    EXPECT_THAT([&] { of_schema(schema); }, ThrowsMessage<Error>(HasSubstr(why))) << schema;
  }
}

TEST(JsonSchema, IsBounded) {
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += R"({"items":)";
  deep += "true" + std::string(500, '}');
  EXPECT_THAT([&] { of_schema(deep); }, ThrowsMessage<Error>(HasSubstr("nested deeper")));
  EXPECT_THAT([] { of_schema(R"({"type": "string", "maxLength": 1000000})"); },
              ThrowsMessage<Error>(HasSubstr("too large")));
  EXPECT_THAT([] { of_schema(R"({"type": "array", "minItems": 900000, "items": {"type": "integer"}})"); },
              ThrowsMessage<Error>(HasSubstr("too large")));
  Json wide = {{"type", "object"}};
  for (int i = 0; i < 1000; ++i) wide["properties"]["member" + std::to_string(i)] = {{"type", "string"}};
  Automaton many = of_schema(wide.dump());
  EXPECT_TRUE(matches(many, R"({"member3": "x", "member999": ""})"));
  Json product = {{"allOf", Json::array()}};
  for (int i = 0; i < 20; ++i)
    product["allOf"].push_back({{"anyOf", {{{"minLength", i}}, {{"maxLength", 100 + i}}}}});
  EXPECT_ANY_THROW(of_schema(product.dump()));
}

// A JSON list, or an object, of so many items.
template <typename Item>
std::string listed(int count, Item item) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i > 0 ? "," : "") + item(i);
  return list;
}

void expect_refusal(const std::string& schema, const char* why) {
  EXPECT_THAT([&] { of_schema(schema); }, ThrowsMessage<Error>(HasSubstr(why))) << schema.substr(0, 200);
}

TEST(JsonSchema, ValuesBesideASchemaThatContainsItselfEnd) {
  expect_refusal(R"({"type": "object", "enum": [{}], "properties": {"x": {"$ref": "#"}}})", "without end");
  expect_refusal(R"({"const": [], "items": {"$ref": "#"}})", "without end");
}

TEST(JsonSchema, RefusesListsThatAreTooLong) {
  auto name = [](int i) { return fmt::format("\"n{}\"", i); };
  auto schema = [](int i) { return fmt::format("{{\"const\":{}}}", i); };
  auto member = [](int i) { return fmt::format("\"n{}\":true", i); };
  auto value = [](int i) { return std::to_string(i); };
  expect_refusal("{\"prefixItems\":[" + listed(19'000, [](int) { return std::string("true"); }) + "]}",
                 "at /prefixItems: 19000 schemas are more than the 1000");
  for (const char* key : {"allOf", "anyOf", "oneOf"})
    expect_refusal(fmt::format("{{\"{}\":[{}]}}", key, listed(1'001, schema)), "1001 schemas are more");
  expect_refusal("{\"required\":[" + listed(5'001, name) + "]}",
                 "at /required: 5001 names are more than the 5000");
  for (const char* key : {"properties", "$defs"})
    expect_refusal(fmt::format("{{\"{}\":{{{}}}}}", key, listed(5'001, member)), "5001 names are more");
  expect_refusal("{\"enum\":[" + listed(10'001, value) + "]}",
                 "at /enum: 10001 values are more than the 10000");
  expect_refusal("{" + listed(501, [](int i) { return fmt::format("\"x-{}\":1", i); }) + "}", "501 keywords");
  expect_refusal("{\"type\":[" + listed(8, [](int) { return std::string("\"null\""); }) + "]}", "at /type");
}

TEST(JsonSchema, TakesTheLongestListsInTime) {
  auto name = [](int i) { return fmt::format("\"n{}\"", i); };
  auto member = [](int i) { return fmt::format("\"n{}\":{{\"const\":{}}}", i, i % 10); };
  const std::string object = "{\"type\":\"object\",\"properties\":{" + listed(5'000, member) +
                             "},\"required\":[" + listed(5'000, name) + "]}";
  const std::string members =
      "{" + listed(5'000, [](int i) { return fmt::format("\"n{}\":{}", i, i % 10); }) + "}";
  for (const std::string& schema : {object, "{\"allOf\":[" + object + "," + object + "]}"}) {
    Automaton required = of_schema(schema);
    EXPECT_TRUE(matches(required, members));
    EXPECT_FALSE(matches(required, R"({"n17":7,"n4999":9})"));
  }
  const std::string values = listed(10'000, [](int i) { return std::to_string(i); });
  Automaton both = of_schema("{\"allOf\":[{\"enum\":[" + values + "]},{\"enum\":[" + values + "]}]}");
  EXPECT_TRUE(matches(both, "9999"));
  Automaton items = of_schema("{\"prefixItems\":[" +
                              listed(1'000, [](int) { return std::string("{\"type\":\"null\"}"); }) + "]}");
  EXPECT_TRUE(matches(items, "[null,null]"));
  EXPECT_FALSE(matches(items, "[1]"));
}

TEST(JsonSchema, OneOfManyIsFoundDisjointOrRefusedInTime) {
  Automaton constants = of_schema(
      "{\"oneOf\":[" + listed(1'000, [](int i) { return fmt::format("{{\"const\":{}}}", i); }) + "]}");
  EXPECT_TRUE(matches(constants, "999"));
  Automaton tagged = of_schema(
      "{\"oneOf\":[" +
      listed(300,
             [](int i) {
               return fmt::format(
                   R"({{"type":"object","properties":{{"k":{{"const":{}}}}},"required":["k"]}})", i);
             }) +
      "]}");
  EXPECT_TRUE(matches(tagged, R"({"k":299})"));
  // A question asks twenty others, and each of those.
  auto name = [](int i) { return fmt::format("\"n{}\"", i); };
  const std::string node =
      "{\"type\":\"object\",\"required\":[" + listed(20, name) + "],\"properties\":{" +
      listed(20, [](int i) { return fmt::format("\"n{}\":{{\"$ref\":\"#/$defs/n\"}}", i); }) + "}}";
  expect_refusal(R"({"oneOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}],"$defs":{"n":)" + node + "}}",
                 "at /oneOf: it takes too long to tell");
  // Each pair compares thousands of values.
  auto values = [](int i) {
    return "{\"enum\":[" + listed(5'000, [&](int j) { return std::to_string(i * 5'000 + j); }) + "]}";
  };
  expect_refusal("{\"oneOf\":[" + listed(100, values) + "]}", "at /oneOf: it takes too long to tell");
}

TEST(JsonSchema, NamesAreBounded) {
  auto schema = [](size_t bytes) {
    return fmt::format(R"({{"properties":{{"{}":{{"type":"null"}}}},"additionalProperties":true}})",
                       std::string(bytes, 'n'));
  };
  expect_refusal(schema(50'000), "at /properties: a name has 50000 bytes; 1000 are the most");
  Automaton longest = of_schema(schema(1'000));
  EXPECT_TRUE(matches(
      longest, fmt::format(R"({{"{}":null,"{}":1}})", std::string(1'000, 'n'), std::string(999, 'n'))));
  EXPECT_FALSE(matches(longest, fmt::format(R"({{"{}":1}})", std::string(1'000, 'n'))));
}

TEST(JsonSchema, CombinationsAreBoundedBeforeTheyAreMade) {
  const std::string title(100'000, 't');
  expect_refusal(R"({"allOf":[{"additionalProperties":{"title":")" + title + R"("}},{"properties":{)" +
                     listed(1'000, [](int i) { return fmt::format("\"n{}\":{{\"type\":\"null\"}}", i); }) +
                     "}}]}",
                 "too large");
}

TEST(JsonSchema, TryingValuesIsBounded) {
  const std::string ways = listed(300, [](int i) {
    return fmt::format(R"({{"type":"array","items":{{"type":"integer","minimum":{}}}}})", -i);
  });
  expect_refusal(
      "{\"anyOf\":[" + ways + "],\"enum\":[[" + listed(20'000, [](int) { return std::string("1"); }) + "]]}",
      "takes too long to try");
}

}  // namespace
}  // namespace troika::grammar
