// Templates that want our memory, our time, our stack or our secrets. Each must end quickly in one sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "text/chat_template.h"

namespace troika::text {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Small enough that reaching them is quick under a sanitizer too.
constexpr RenderLimits kSmall = {.steps = 100'000, .output_bytes = 8u << 20, .memory_bytes = 64u << 20};

// The sentence of the error, "" when there is none.
std::string error_of(std::string_view source, const RenderLimits& limits = kSmall) {
  try {
    ChatTemplate(source).render(Json::object(), limits);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string render(std::string_view source) { return ChatTemplate(source).render(Json::object()); }

constexpr const char* kSteps = "runs for more than 100000 steps";
constexpr const char* kMemory = "makes more than 67108864 bytes";

TEST(HostileTemplate, LoopsInLoopsRunOutOfSteps) {
  EXPECT_THAT(error_of(repeat("{% for i in range(9999) %}", 8) + repeat("{% endfor %}", 8)),
              HasSubstr(kSteps));
  EXPECT_THAT(error_of(repeat("{% for i in range(9999) %}", 8) + repeat("{% endfor %}", 8), RenderLimits{}),
              HasSubstr("more than 2000000 steps"));
}

TEST(HostileTemplate, HugeRangesAreRefused) {
  EXPECT_THAT(error_of("{% for i in range(1000000000000) %}{% endfor %}"),
              HasSubstr("range() of more than 100000"));
  EXPECT_THAT(error_of("{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807)|list }}"),
              "");
  EXPECT_THAT(error_of("{{ range(9223372036854775807, -9223372036854775807, -1) }}"), HasSubstr("range()"));
}

TEST(HostileTemplate, HugeTextsAreRefusedBeforeTheyAreMade) {
  EXPECT_THAT(error_of("{{ 'a' * 1000000000 }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ 'abc' * 9223372036854775807 }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ [1] * 9223372036854775807 }}"), HasSubstr(kMemory));
  EXPECT_EQ(render("{{ '' * 9223372036854775807 }}{{ [] * 9223372036854775807 }}{{ 'a' * -1 }}"), "[]");
  EXPECT_THAT(error_of("{{ 'a'.center(9223372036854775807) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ 'a'.ljust(9223372036854775807, '\xe2\x82\xac') }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ 'a'.zfill(9223372036854775807) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ 'a'|indent(9223372036854775807) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ [1]|tojson(indent=9223372036854775807) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ [1]|batch(9223372036854775807, 0)|list }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ '%999999999d' % 1 }}"), HasSubstr("width"));
  EXPECT_THAT(error_of("{{ ('a' * 100000).replace('a', 'b' * 100000) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ ('a' * 100000).replace('', 'b' * 100000) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ ('b' * 100000).join('a' * 100000) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ range(50000)|join('b' * 100000) }}"), HasSubstr(kMemory));
  EXPECT_THAT(error_of("{{ ('\n' * 1000000)|indent(1000, blank=true) }}"), HasSubstr(kMemory));
  for (const char* filter :
       {"list", "reverse|list", "tojson", "e", "upper", "wordcount", "title", "urlencode"}) {
    error_of("{% set x = '\\x01 ' * 8000000 %}{% set y = x|" + std::string(filter) + " %}");
  }
  for (const char* method : {"split()", "splitlines()", "rsplit(' ')", "replace('', 'a')", "isalpha()",
                             "swapcase()", "strip(x)"}) {
    error_of("{% set x = '\\n ' * 4000000 %}{% set y = x." + std::string(method) + " %}");
  }
  EXPECT_THAT(error_of("{% set x = 'a' * 6000000 %}{{ x }}{{ x }}"), HasSubstr("the rendered text exceeds"));
}

TEST(HostileTemplate, DoublingRunsOutOfMemoryOrDepth) {
  EXPECT_THAT(
      error_of(
          "{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"),
      HasSubstr(kMemory));
  EXPECT_THAT(
      error_of(
          "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"),
      HasSubstr(kMemory));
  std::string nest =
      "{% set ns = namespace(x=[], y=[]) %}{% for i in range(%) %}"
      "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}";
  auto nested = [&](const char* times, const char* then) {
    return std::string(nest).replace(nest.find("%) %}{% set ns.x"), 1, times) + then;
  };
  EXPECT_THAT(error_of(nested("100000", "")), HasSubstr("nested more than 200 deep"));
  EXPECT_THAT(error_of(nested("150", "{{ ns.x }}")), HasSubstr("more than"));
  EXPECT_THAT(error_of(nested("150", "{{ ns.x|tojson }}")), HasSubstr("more than"));
  EXPECT_THAT(error_of(nested("150", "{{ ns.x == ns.y }}")), HasSubstr(kSteps));
  EXPECT_THAT(error_of(nested("150", "{{ ns.x in [ns.y] }}")), HasSubstr(kSteps));
  EXPECT_THAT(error_of(nested("150", "{{ [ns.x, ns.y]|sort }}")), HasSubstr(kSteps));
}

TEST(HostileTemplate, ChainsOfDictsAndMethodsAreBounded) {
  EXPECT_THAT(error_of("{% set ns = namespace(x={}) %}{% for i in range(99999) %}{% set ns.x = {'a': ns.x} "
                       "%}{% endfor %}"),
              HasSubstr("deep"));
  EXPECT_THAT(error_of("{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x.index] "
                       "%}{% endfor %}"),
              HasSubstr("deep"));
  // Namespaces may hold each other in long chains and in cycles: neither overflows the stack nor leaks.
  EXPECT_EQ(error_of("{% set ns = namespace() %}{% for i in range(20000) %}{% set ns.x = namespace(up=ns.x) "
                     "%}{% endfor %}"
                     "{% set ns.me = ns %}{% set ns.list = [ns] %}{{ ns.list }}",
                     RenderLimits{}),
            "");
}

TEST(HostileTemplate, DeepNestingIsAnErrorNotAStackOverflow) {
  const std::pair<const char*, const char*> brackets[] = {
      {"(", ")"},  {"[", "]"},  {"{1:", "}"},         {"not ", ""}, {"-", ""},
      {"a[", "]"}, {"f(", ")"}, {"1 if x else ", ""}, {"a|f(", ")"}};
  for (auto [open, close] : brackets) {
    int depth = std::string_view(open) == "(" ? 100000 : 20000;
    EXPECT_THAT(error_of("{{ " + repeat(open, depth) + "1" + repeat(close, depth) + " }}"), HasSubstr("deep"))
        << open;
    EXPECT_NE(error_of("{{ " + repeat(open, depth)), "") << open;
  }
  for (const char* tail :
       {" + 1", " ** 1", ".a", "[0]", "|upper", "()", " is string is string", " and 1", " or 1", " if x"}) {
    EXPECT_NE(error_of("{{ 1" + repeat(tail, 50000) + " }}"), "") << tail;
  }
  EXPECT_THAT(error_of(repeat("{% if 1 %}", 40000)), HasSubstr("deep"));
  EXPECT_THAT(error_of(repeat("{% for x in y %}", 30000)), HasSubstr("deep"));
  EXPECT_THAT(error_of(repeat("{% macro m() %}", 30000)), HasSubstr("deep"));
  EXPECT_THAT(error_of(repeat("{% set x %}", 40000)), HasSubstr("deep"));
  EXPECT_THAT(error_of("{% set " + repeat("(", 100000) + repeat(")", 100000) + "= 1 %}"), HasSubstr("deep"));
  EXPECT_EQ(render("{{ " + repeat("(", 60) + "1" + repeat(")", 60) + " }}"), "1");
  EXPECT_EQ(render("{{ 0" + repeat(" ~ 1", 5000) + " }}").size(), 5001u);
}

TEST(HostileTemplate, MacrosThatCallThemselvesAreStopped) {
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("deep"));
  EXPECT_THAT(
      error_of("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"),
      HasSubstr("deep"));
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}"), HasSubstr("deep"));
  EXPECT_THAT(error_of("{% macro m(x=m()) %}{% endmacro %}{{ m() }}"), HasSubstr("deep"));
  EXPECT_THAT(error_of("{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% "
                       "endcall %}{% endmacro %}{{ n() }}"),
              HasSubstr("deep"));
  EXPECT_THAT(error_of("{% set x = [1] %}{% for i in x recursive %}{{ loop(x) }}{% endfor %}"),
              HasSubstr("deep"));
  EXPECT_THAT(
      error_of("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}"),
      HasSubstr(kSteps));
  EXPECT_EQ(render("{% macro m(n) %}{% if n %}{{ n }} {{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(30) }}")
                .substr(0, 6),
            "30 29 ");
}

// Unlimited, each of these takes minutes to hours: they would outlast the test's time limit.
TEST(HostileTemplate, EndsWhatWouldTakeVeryLong) {
  error_of(
      "{% set a = 'a' * 2000000 %}{% set b = 'a' * 1000000 + 'b' %}{{ b in a }}{{ a.find(b) }}{{ "
      "a.replace(b, '') == a }}"
      "{{ a.split(b)|length }}{{ a.rfind('b' + b) }}{{ a.strip(b)|length }}");
  error_of("{% set x = range(90000)|list %}{{ x|unique|list }}");
  error_of("{% set x = range(100000)|list %}{% for i in x %}{{ -1 in x }}{% endfor %}");
  error_of("{% set a = 'é' * 1000000 %}{% for i in range(100000) %}{{ a[-1] }}{{ a|length }}{% endfor %}");
  error_of("{{ dict(range(40000)|batch(2)) }}");
  error_of("{% raw %}" + repeat("{% ", 100000));
  error_of(repeat("{#", 100000));
  error_of("{{" + repeat(" ", 300000));
  error_of("{% set d = {" + repeat("1:1,", 100000) + "} %}");
  error_of("{% set d = dict(range(90000)|batch(2)) %}{% for i in range(90000) %}{{ d[0.5] }}{% endfor %}");
  error_of("{% for i in range(90000) %}" + repeat("x", 400000) + "{% endfor %}");
  error_of("{% for i in range(90000) %}{{ " + repeat("x", 400000) + " }}{% endfor %}");
  error_of(
      "{{ range(90000)|select('in', *range(90000))|list }}{{ range(90000)|map('d', *range(90000))|list }}");
}

TEST(HostileTemplate, NothingButDataCanBeReached) {
  EXPECT_EQ(render("{{ ''.__class__ }}{{ [].__init__ }}{{ {}['__class__'] }}{{ range.__globals__ }}{{ "
                   "namespace.__init__ }}"),
            "");
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ ''.__class__() }}", "{{ [].append(1) }}", "{{ {}.update({}) }}",
        "{{ {}.pop('a') }}", "{{ range.__globals__.os }}", "{{ self.x }}", "{{ lipsum.__globals__ }}",
        "{{ ''|attr('__class__')|attr('__base__') }}", "{% set x = [] %}{% set x.y = 1 %}",
        "{% include 'a' %}", "{% import 'a' as b %}", "{% extends 'a' %}"}) {
    EXPECT_NE(error_of(source), "") << source;
  }
  EXPECT_EQ(render("{{ [range, ''.strip, namespace(a=1)] }}"),
            "[<function>, <method>, <Namespace>]");  // no addresses
}

TEST(HostileTemplate, WholeNumbersThatLeave64BitsAreErrors) {
  for (const char* source :
       {"{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 9223372036854775807 * 2 }}",
        "{{ 2 ** 64 }}", "{{ 10 ** 1000000000 }}", "{{ -(-9223372036854775807 - 1) }}",
        "{{ (-9223372036854775807 - 1)|abs }}", "{{ (-9223372036854775807 - 1) // -1 }}",
        "{{ 9223372036854775808 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1 / 0 }}", "{{ 1.0 / 0 }}",
        "{{ 0 ** -1 }}", "{{ 10.0 ** 400 }}", "{{ 4 is divisibleby 0 }}"}) {
    EXPECT_NE(error_of(source), "") << source;
  }
  EXPECT_EQ(render("{{ (-9223372036854775807 - 1) % -1 }} {{ 2 ** 62 }} {{ 1e300|int }} {{ 'nan'|float|int "
                   "}} {{ 1e308|round(300) }}"),
            "0 4611686018427387904 0 0 1e+308");
  EXPECT_EQ(render("{{ [1,2,3][9223372036854775807] }}{{ "
                   "'abc'[-9223372036854775807:9223372036854775807:9223372036854775807] }}"
                   "{{ [1,2,3][::-9223372036854775807] }}{{ 'abc'.find('c', -9223372036854775807, "
                   "9223372036854775807) }}"),
            "a[3]2");
}

TEST(HostileTemplate, UnterminatedTagsNameTheirLine) {
  for (const char* source : {"\n{{",
                             "\n{{ x",
                             "\n{%",
                             "\n{% if",
                             "\n{% if x",
                             "\n{#",
                             "\n{# x -",
                             "\n{{ 'x",
                             "\n{{ \"x\\",
                             "\n{% raw %}",
                             "\n{% raw %}{% endraw",
                             "\n{{ (",
                             "\n{{ x | ",
                             "\n{{ x is",
                             "\n{{ x.",
                             "\n{% for",
                             "\n{% for x in",
                             "\n{% set",
                             "\n{% macro",
                             "\n{% call",
                             "\n{% filter",
                             "\n{% with",
                             "\n{{ '\\x4",
                             "\n{{ '\\u12"}) {
    EXPECT_THAT(error_of(source), HasSubstr("chat template, line 2: ")) << source;
  }
}

TEST(HostileTemplate, BrokenTextIsCarriedThrough) {
  std::string broken = "\xff\xe2\x82 \xf0\x9f";
  EXPECT_EQ(render("{{ '" + broken + "' }}"), broken);
  EXPECT_EQ(
      render("{{ '" + broken + "'|length }} {{ '" + broken + "'[::-1] }} {{ ['\xff'] }} {{ '\xff'|tojson }}"),
      "6 \x9f\xf0 \x82\xe2\xff ['\\xff'] \"\xff\"");
  EXPECT_EQ(render("{{ '" + broken + "'.strip('\xff')|upper|title|trim }}"), broken.substr(1));
  EXPECT_EQ(render(std::string("a\0b{{ 'c\0d' }}", 14)), std::string("a\0bc\0d", 6));
}

TEST(HostileTemplate, AnEnormousTemplateIsRefused) {
  EXPECT_THAT(error_of(std::string(2'000'000, 'x')), HasSubstr("too many"));
}

}  // namespace
}  // namespace troika::text
