// Chat templates as a whole: real families against recorded renderings, the door to JSON, limits, threads.
#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace troika::text {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

fs::path shared_data() {
  const char* shared = std::getenv("TROIKA_SHARED");
  return (shared != nullptr ? fs::path(shared) : fs::path(TROIKA_SOURCE_DIR) / "../shared") / "data";
}

// The text, or "error: " and the sentence.
std::string render(std::string_view source, const Json& variables = Json::object(),
                   const RenderLimits& limits = {}) {
  try {
    return ChatTemplate(source).render(variables, limits);
  } catch (const Error& error) {
    return std::string("error: ") + error.what();
  }
}

// A template of the usual shape, with everything that real ones use together.
constexpr std::string_view kChat = R"({%- if tools %}
    {{- '<|start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {%- for tool in tools %}
        {{- "\n" ~ (tool | tojson) }}
    {%- endfor %}
    {{- '<|end|>\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|start|>system\n' + messages[0].content + '<|end|>\n' }}
{%- endif %}
{%- set ns = namespace(last_query=messages|length - 1, looking=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.looking and message.role == "user" and message.content is string and not(message.content.startswith('<tool>')) %}
        {%- set ns.looking = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- macro parts(content) -%}
    {%- if content is string -%}{{- content -}}
    {%- else -%}{%- for part in content -%}{{- part.text if part.type == 'text' else '<image>' -}}{%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{%- for message in messages %}
    {%- if message.role == 'system' and not loop.first %}
        {{- raise_exception('The system message must come first') }}
    {%- elif message.role == 'user' %}
        {{- '<|start|>user\n' + parts(message.content) + '<|end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set content = message.content or '' %}
        {%- if '</think>' in content and loop.index0 < ns.last_query %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {{- '<|start|>assistant\n' + content }}
        {%- for call in message.tool_calls %}
            {%- if call.function is defined %}{%- set call = call.function %}{%- endif %}
            {{- '<call>{"name": "' ~ call.name ~ '", "arguments": ' ~ (call.arguments | tojson) ~ '}</call>' }}
        {%- endfor %}
        {{- '<|end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %})";

Json chat() {
  return Json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "image"}]},
      {"role": "assistant", "content": "<think>hm</think>\n\nA cat.",
       "tool_calls": [{"function": {"name": "feed", "arguments": {"what": "fish", "grams": 5.0, "wet": true, "to": null}}}]},
      {"role": "user", "content": "Grüße <|end|> {{ x }}"}],
    "tools": [{"zeta": 1, "alpha": ["é", "\u0001"]}],
    "add_generation_prompt": true, "enable_thinking": false})");
}

TEST(ChatTemplate, RendersAChatWithToolsPartsAndThinking) {
  EXPECT_EQ(render(kChat, chat()),
            "<|start|>system\nBe brief.\n\n\n{\"zeta\": 1, \"alpha\": [\"é\", \"\\u0001\"]}<|end|>\n"
            "<|start|>user\nLook: <image><|end|>\n"
            "<|start|>assistant\nA cat.<call>{\"name\": \"feed\", \"arguments\": {\"what\": \"fish\", "
            "\"grams\": 5.0, "
            "\"wet\": true, \"to\": null}}</call><|end|>\n"
            "<|start|>user\nGrüße <|end|> {{ x }}<|end|>\n"
            "<|start|>assistant\n<think>\n\n</think>\n\n");
}

TEST(ChatTemplate, RealFamiliesRenderAsRecorded) {
  fs::path goldens = shared_data() / "chat-template-goldens";
  if (!fs::is_directory(goldens)) GTEST_SKIP() << goldens << " is absent (set TROIKA_SHARED)";
  int families = 0, cases = 0;
  for (const auto& entry : fs::directory_iterator(goldens)) {
    if (entry.path().extension() != ".json") continue;
    ++families;
    Json golden = Json::parse(read(entry.path()));
    ChatTemplate chat_template(
        read(shared_data() / "chat-templates" / golden["template"].get<std::string>()));
    for (const Json& test : golden["cases"]) {
      ++cases;
      Json variables = {{"messages", test["messages"]},
                        {"tools", test.value("tools", Json())},
                        {"add_generation_prompt", test["add_generation_prompt"]},
                        {"bos_token", golden["bos_token"]},
                        {"eos_token", golden["eos_token"]}};
      Json more = test.value("template_kwargs", Json::object());
      for (const auto& [name, value] : more.items()) variables[name] = value;
      std::string where = entry.path().stem().string() + " " + test["name"].get<std::string>();
      if (test.contains("error")) {
        EXPECT_THROW(chat_template.render(variables), Error) << where;
      } else {
        EXPECT_EQ(chat_template.render(variables), test["expected"].get<std::string>()) << where;
      }
    }
  }
  EXPECT_EQ(families, 8);
  EXPECT_EQ(cases, 220);
}

TEST(ChatTemplate, ItsOwnWordsAreTheWholeMessageWhenItRefuses) {
  EXPECT_EQ(render("a\n{{ raise_exception('Roles must alternate') }}"), "error: Roles must alternate");
}

TEST(ChatTemplate, OtherErrorsNameTheLine) {
  EXPECT_EQ(render("a\n\n{{ messages[0].role }}", {{"messages", Json::array()}}),
            "error: chat template, line 3: a value of type list has no element 0");
  EXPECT_EQ(render("a\n{% if x %}\n"), "error: chat template, line 2: 'endif' is missing");
  EXPECT_EQ(render("{{ x\n\n + }}"), "error: chat template, line 3: '}}' stands where a value should be");
}

TEST(ChatTemplate, JsonValuesKeepTheirMeaning) {
  Json variables = Json::parse(
      R"({"i": -3, "u": 18446744073709551615, "f": 1.0, "n": null, "t": true, "s": "x", "a": [1], "o": {"b": 1, "a": 2}})");
  EXPECT_EQ(render("{{ i }} {{ u }} {{ f }} {{ n }} {{ t }} {{ s }} {{ a }} {{ o }}", variables),
            "-3 18446744073709551615 1.0 None True x [1] {'b': 1, 'a': 2}");
  EXPECT_EQ(render("{{ u|tojson }} {{ u == u }} {{ u > i }}", variables), "18446744073709551615 True True");
  EXPECT_EQ(render("{{ x }}", Json::array()),
            "error: the variables of a chat template must be a JSON object");
}

TEST(ChatTemplate, JsonThatIsNestedTooDeepIsRefused) {
  Json deep = Json::parse(std::string(3000, '[') + std::string(3000, ']'));
  EXPECT_EQ(render("{{ d }}", {{"d", deep}}), "error: the chat's JSON is nested more than 100 deep");
}

TEST(ChatTemplate, LimitsAreTheCallers) {
  EXPECT_EQ(render("{% for i in range(100) %}{{ i }}{% endfor %}", Json::object(), {.steps = 50}),
            "error: chat template, line 1: the template runs for more than 50 steps");
  EXPECT_EQ(render("{{ 'ab' * 10 }}", Json::object(), {.output_bytes = 19}),
            "error: chat template, line 1: the rendered text exceeds 19 bytes");
  EXPECT_EQ(render("{{ 'ab' * 10 }}", Json::object(), {.output_bytes = 20}), "abababababababababab");
  EXPECT_EQ(render("{% set x = 'ab' * 600 %}", Json::object(), {.memory_bytes = 1000}),
            "error: chat template, line 1: the template makes more than 1000 bytes of text and lists");
}

TEST(ChatTemplate, ALongConversationStaysWellInsideTheLimits) {
  Json variables = chat();
  Json turn = {{"role", "user"}, {"content", std::string(2000, 'x')}};
  for (int i = 0; i < 2000; ++i) variables["messages"].push_back(turn);
  EXPECT_EQ(render(kChat, variables).size(), render(kChat, chat()).size() + 2000 * (2000 + 22));
}

TEST(ChatTemplate, AnyNumberOfThreadsMayRenderOneTemplate) {
  ChatTemplate shared(kChat);
  std::string wanted = shared.render(chat());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) count += shared.render(chat()) != wanted;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(ChatTemplate, ATemplateCutAnywhereIsAnErrorOrRendersButNeverWorse) {
  int refused = 0;
  for (size_t size = 0; size <= kChat.size(); ++size) {
    refused += render(kChat.substr(0, size), chat()).starts_with("error: chat template, line ");
  }
  EXPECT_GT(refused, int(kChat.size()) * 9 / 10);
}

TEST(ChatTemplate, ATemplateWithAnyByteReplacedIsAnErrorOrRendersButNeverWorse) {
  std::string source(kChat);
  for (size_t i = 0; i < source.size(); i += 7) {
    char before = source[i];
    for (char other : {'\0', '{', '}', '%', '(', ']', '\'', '|', '\xff', ' '}) {
      source[i] = other;
      render(source, chat(), {.steps = 5000});
    }
    source[i] = before;
  }
}

}  // namespace
}  // namespace troika::text
