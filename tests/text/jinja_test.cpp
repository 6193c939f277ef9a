// The language, feature by feature. Every expectation is what Jinja2 3.1 prints with trim_blocks,
// lstrip_blocks and transformers' tojson.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "text/chat_template.h"

namespace troika::text {
namespace {

using Json = nlohmann::ordered_json;

const Json& variables() {
  static const Json values = Json::parse(R"({
    "n": 5, "m": -3, "f": 2.5, "s": " Hello World ", "u": "Ça va 你好 🎉", "l": [3, 1, 2], "yes": true, "nothing": null,
    "d": {"b": 1, "a": [1, {"x": null}], "items": 7}, "names": ["b", "A", "c", "a"], "pairs": [[1, 2], [3, 4]],
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"},
                 {"role": "tool", "content": [{"text": "a\nb"}]}]})");
  return values;
}

std::string render(std::string_view source) {
  try {
    return ChatTemplate(source).render(variables());
  } catch (const Error& error) {
    return "error";
  }
}

struct Case {
  const char* source;
  std::string wanted;  // "error": it must throw
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& test : cases) EXPECT_EQ(render(test.source), test.wanted) << test.source;
}

TEST(Jinja, WhiteSpaceAroundTags) {
  expect_all({
      {"a\n", "a"},
      {"a\n\n", "a\n"},
      {"a\r\nb\rc", "a\nb\nc"},
      {"  {% if yes %}\n  a\n  {% endif %}\nb", "  a\nb"},
      {"  {%+ if yes %}\n  a\n  {%+ endif +%}\nb", "    a\n  \nb"},
      {"a  {%- if yes -%}  b  {%- endif -%}  c", "abc"},
      {"  {{- 'a' -}}  \n b {{+ 'c' }} \n", "ab c "},
      {"  {{ n }}  \n  {% set q = 1 %} \nz", "  5  \n \nz"},
      {"x {% set q = 1 %}\ny", "x y"},
      {"a\n  {# c #}\nb{#- c -#}  d", "a\nbd"},
      {"{% raw %}{{ x }} {% if %}{% endraw %} b", "{{ x }} {% if %} b"},
      {"{%- raw -%}  a  {%- endraw -%}  b", "ab"},
      {"{% raw %}\na\n  {% endraw %}\nb", "\na\nb"},
      {"{%- set q = 1 -%}\n  {% if yes %}x{% endif %}", "x"},
      {"{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"},
      {"{{-1}}", "1"},
      {"{", "{"},
      {"a {b} }} %} #}", "a {b} }} %} #}"},
  });
}

TEST(Jinja, Literals) {
  expect_all({
      {"{{ 0x1f }} {{ 1_000 }} {{ 0b11 }} {{ 0o17 }} {{ 1e3 }} {{ 1.5e-3 }} {{ 2.0 }}",
       "31 1000 3 15 1000.0 0.0015 2.0"},
      {R"({{ 'a' "b" 'c' }} {{ "a\"b" }} {{ 'a\'b' }} {{ '\n'|length }} {{ '\u00e9\x41\101\q\\' }})",
       "abc a\"b a'b 1 éAA\\q\\"},
      {"{{ 'a\\\nb' }}", "ab"},
      {R"({{ '\ud83c\udf89' }} {{ '\U0001F389' }})", "🎉 🎉"},
      {"{{ true }} {{ True }} {{ none }} {{ None }} {{ false }}", "True True None None False"},
      {"{{ [1,2,] }} {{ (1,) }} {{ () }} {{ (1) }} {{ {'a':1,} }} {{ 1, 2 }}",
       "[1, 2] (1,) () 1 {'a': 1} (1, 2)"},
  });
}

TEST(Jinja, PrintsAsPython) {
  expect_all({
      {"{{ [none, true, 1.0, 'x', \"it's\", 'a\"b', '\\n\\\\', 'é', '\\x01', '\\u200b'] }}",
       R"([None, True, 1.0, 'x', "it's", 'a"b', '\n\\', 'é', '\x01', '\u200b'])"},
      {"{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1/3 }} {{ 1e20 }} {{ -0.0 }}",
       "1e+16 1000000000000000.0 0.0001 1e-05 0.3333333333333333 1e+20 -0.0"},
      {"{{ d }} {{ d.keys() }} {{ d.values() }}",
       "{'b': 1, 'a': [1, {'x': None}], 'items': 7} dict_keys(['b', 'a', 'items']) dict_values([1, [1, {'x': "
       "None}], 7])"},
      {"{{ missing }}|{{ nothing }}|{{ yes }}", "|None|True"},
  });
}

TEST(Jinja, Arithmetic) {
  expect_all({
      {"{{ n + 2 }} {{ n - 7 }} {{ n * 2 }} {{ n / 2 }} {{ n // 2 }} {{ m // 2 }} {{ m % 5 }} {{ n % -3 }}",
       "7 -2 10 2.5 2 -2 2 -1"},
      {"{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}", "1024 0.5 4 64"},
      {"{{ f // 2 }} {{ -f // 2 }} {{ -f % 2 }} {{ f % -2 }}", "1.0 -2.0 1.5 -1.5"},
      {"{{ 'ab' * 3 }} {{ [1] * 2 + [2] }} {{ 'a' + 'b' }} {{ true + 1 }}", "ababab [1, 1, 2] ab 2"},
      {"{{ 'a' ~ 1 ~ none ~ missing ~ 2.0 ~ [1] }} {{ 1 ~ 2 * 3 }}", "a1None2.0[1] 16"},
  });
  expect_all({{"{{ 1 + '2' ~ 3 }}", "error"},
              {"{{ 'a' + 1 }}", "error"},
              {"{{ 1 + 'a' }}", "error"},
              {"{{ none + 1 }}", "error"},
              {"{{ -'a' }}", "error"}});
}

TEST(Jinja, ComparisonsAndLogic) {
  expect_all({
      {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ [1,2] < [1,3] }} {{ 1 == 1.0 }} {{ true == 1 }} "
       "{{ '1' == 1 }}",
       "True False True True True True False"},
      {"{{ 1 in l }} {{ 'role' in messages[0] }} {{ 'ell' in s }} {{ 7 not in l }} {{ 'x' in missing }}",
       "True True True True False"},
      {"{{ nothing or 'x' }} {{ yes and 'y' }} {{ not n == 5 }} {{ not missing }}", "x y False True"},
      {"{{ 'a' if yes else 'b' }}{{ 'c' if nothing }}{{ 'd' if nothing else 'e' if nothing else 'f' }}",
       "af"},
      {"{{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ missing == missing2 }} {{ missing == none }}",
       "False True True False"},
      {"{{ 'a' < 1 }}", "error"},
      {"{{ 1 in 'abc' }}", "error"},
      {"{{ 'a' in nothing }}", "error"},
  });
}

TEST(Jinja, UndefinedIsEmptyUntilItIsUsed) {
  expect_all({
      {"{{ missing }}{{ d.missing }}{{ l[9] }}{{ n.x }}{{ nothing.x }}{{ nothing['x'] }}", ""},
      {"{{ missing|length }}{{ missing|default('x') }}{{ missing|trim }}{{ missing is defined }}", "0xFalse"},
      {"{% for x in missing %}a{% else %}none{% endfor %}", "none"},
      {"{{ missing.x }}", "error"},
      {"{{ missing[0] }}", "error"},
      {"{{ d.x.y }}", "error"},
      {"{{ missing() }}", "error"},
      {"{{ missing + 1 }}", "error"},
      {"{{ missing < 1 }}", "error"},
      {"{{ missing|tojson }}", "error"},
      {"{% if nothing %}{{ x|no_such_filter }}{% endif %}", ""},
      {"{{ n|no_such_filter }}", "error"},
      {"{{ n is no_such_test }}", "error"},
  });
}

TEST(Jinja, SubscriptsAndSlicesCountCharacters) {
  expect_all({
      {"{{ l[0] }} {{ l[-1] }} {{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ l[2:0:-1] }} {{ "
       "l[-100:100] }} {{ l.0 }}",
       "3 2 [1, 2] [3, 1] [2, 1, 3] [3, 2] [2, 1] [3, 1, 2] 3"},
      {"{{ u[3:5] }}|{{ u[::-1] }}|{{ u[-1] }}|{{ u[6:8] }}|{{ u|length }}", "va|🎉 好你 av aÇ|🎉|你好|10"},
      {"{{ d['items'] }} {{ d.b }} {{ d['a'][1]['x'] }} {{ messages[-1].content[0].text }}", "7 1 None a\nb"},
      {"{{ l[::0] }}", "error"},
      {"{{ n[1:] }}{{ m[1:] }}", "error"},
  });
}

TEST(Jinja, Loops) {
  expect_all({
      {"{% for x in l %}{{ loop.index0 }}{{ loop.index }}{{ loop.revindex }}{{ loop.first }}{{ loop.last "
       "}}{{ loop.length }}"
       "{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a','b') }}|{% endfor %}",
       "013TrueFalse31a|122FalseFalse332b|231FalseTrue31a|"},
      {"{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}no{% endfor %}",
       "1/2:3 2/2:2 "},
      {"{% for x in l if x > 10 %}{{ x }}{% else %}no{% endfor %}", "no"},
      {"{% for k, v in d.items() %}{{ k }};{% endfor %}{% for k, v in d|items %}{{ k }}{% endfor %}",
       "b;a;items;baitems"},
      {"{% for a, b in pairs %}{{ a }}-{{ b }} {% endfor %}{% for (a, b), c in [((1,2),3)] %}{{ a+b+c }}{% "
       "endfor %}",
       "1-2 3-4 6"},
      {"{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "32"},
      {"{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "3"},
      {"{% for x in l %}{% for y in l %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
       "1231 1232 1233 "},
      {"{% for x in [1,[2,[3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}@{{ "
       "loop.depth }}{% endif %}{% endfor %}",
       "1@1(2@2(3@3))"},
      {"{% for c in 'é你' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}", "[é][你]baitems"},
      {"{% for i in range(1, 10, 4) %}{{ i }}{% endfor %}{{ range(5, 0, -2)|list }}", "159[5, 3, 1]"},
      {"{% for a, b in [[1,2,3]] %}{% endfor %}", "error"},
      {"{% for x in n %}{% endfor %}", "error"},
      {"{% break %}", "error"},
  });
}

TEST(Jinja, AssignmentsAndScopes) {
  expect_all({
      {"{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}", "4 2 3 1"},
      {"{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.z "
       "is defined }}",
       "7False"},
      {"{% if n %}{% set z = 3 %}{% endif %}{{ z }}", "3"},
      {"{% set a, b = 1, 2 %}{% set a, b = b, a %}{{ a }}{{ b }}", "21"},
      {"{% set x %} abc {{ n }} {% endset %}[{{ x }}]{% set y | upper | trim %} abc {% endset %}[{{ y }}]",
       "[ abc 5 ][ABC]"},
      {"{% with a = 1, b = n %}{{ a }}{{ b }}{% set c = 4 %}{% endwith %}{{ a }}{{ c }}", "15"},
      {"{% filter replace('a', 'b') | upper %}aaa{% endfilter %}", "BBB"},
      {"{% generation %}abc{% set g = 1 %}{% endgeneration %}{{ g }}|", "abc|"},
      {"{% set d.x = 1 %}", "error"},
      {"{% set true = 1 %}", "error"},
  });
}

TEST(Jinja, Macros) {
  expect_all({
      {"{% macro m(a, b=2, c=a) %}{{ a }},{{ b }},{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=5) }}{{ m(b=1, "
       "a=3) }}{{ m() }}",
       "1,2,1;1,2,5;3,1,3;,2,;"},
      {"{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", "(2, 3){'x': 4}"},
      {"{% macro m(a) %}<{{ caller(1) }}|{{ a }}>{% endmacro %}{% call(x) m(1) %}body{{ n }}{{ x }}{% "
       "endcall %}",
       "<body51|1>"},
      {"{% macro f(k) %}{% if k <= 1 %}1{% else %}{{ k * f(k - 1)|int }}{% endif %}{% endmacro %}{{ f(10) }}",
       "3628800"},
      {"{% set y = 1 %}{% macro m() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ m() }}", "2"},
      {"{% macro m() %}{% set y = 5 %}{{ y }}{% endmacro %}{{ m() }}{{ y }}{{ m.name }}", "5m"},
      {"{% macro o(x) %}{% macro i(y) %}{{ x }}{{ y }}{% endmacro %}{{ i(2) }}{% endmacro %}{{ o(1) }}",
       "12"},
      {"{% set ns = namespace() %}{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{% if loop.first %}{% "
       "set ns.m = m %}{% endif %}"
       "{% endfor %}{{ ns.m() }}",
       "3"},
      {"{% macro m(a,b,c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*l) }}{{ m(1, **{'b':2,'c':3}) }}",
       "312123"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "error"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, x=2) }}", "error"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}", "error"},
  });
}

TEST(Jinja, ToJson) {
  expect_all({
      {"{{ d|tojson }}", R"({"b": 1, "a": [1, {"x": null}], "items": 7})"},
      {"{{ [u, '<&>\\'\\x01\\x7f', 1.0, (1,), true, none]|tojson }}",
       "[\"Ça va 你好 🎉\", \"<&>'\\u0001\x7f\", 1.0, [1], true, null]"},
      {"{{ d|tojson(indent=2) }}",
       "{\n  \"b\": 1,\n  \"a\": [\n    1,\n    {\n      \"x\": null\n    }\n  ],\n  \"items\": 7\n}"},
      {"{{ [[], {}]|tojson(indent=4) }}", "[\n    [],\n    {}\n]"},
      {"{{ 'é🎉'|tojson(ensure_ascii=true) }}", R"("\u00e9\ud83c\udf89")"},
      {"{{ {1: 2, none: 3, true: 4}|tojson }}", R"({"1": 4, "null": 3})"},
      {"{{ d|tojson(separators=(',', ':'), sort_keys=true) }}", R"({"a":[1,{"x":null}],"b":1,"items":7})"},
      {"{{ range|tojson }}", "error"},
  });
}

TEST(Jinja, TextFilters) {
  expect_all({
      {"{{ s|trim }}|{{ s|upper }}|{{ s|lower }}|{{ \"it's a-b (c)d\"|title }}|{{ 'HELLO wORLD'|capitalize "
       "}}|{{ 'xxaxx'|trim('x') }}",
       "Hello World| HELLO WORLD | hello world |It's A-B (C)d|Hello world|a"},
      {"{{ u|upper }} {{ 'ÀÉ'|lower }}", "ÇA VA 你好 🎉 àé"},
      {"{{ 'aaa'|replace('a', 'b', 2) }} {{ 5|replace('5', '6') }} {{ 'abc'|reverse }} {{ 5|string + 'a' }}",
       "bba 6 cba 5a"},
      {"{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\nb'|indent('> ') }}",
       "a\n    b\n\n    c|  a\n  b|a\n> b"},
      {"{{ '%s is %d and %5.2f|%-5s|%05d|%x|%r' % ('a', 3, 2.567, 'ab', 42, 255, 'q') }} {{ '%s "
       "%s'|format('a', 1) }}",
       "a is 3 and  2.57|ab   |00042|ff|'q' a 1"},
      {"{{ '<a b=\"c\">&'|e }} {{ 'a b&c/ü'|urlencode }} {{ 'a b c'|wordcount }} {{ 'hello world foo "
       "bar'|truncate(11) }}",
       "&lt;a b=&#34;c&#34;&gt;&amp; a%20b%26c/%C3%BC 3 hello..."},
  });
}

TEST(Jinja, NumberFilters) {
  expect_all({
      {"{{ '12'|int }} {{ '1.9'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ '0.5'|int(7) }} {{ "
       "'ff'|int(base=16) }} {{ -2.9|int }} {{ none|int }}",
       "12 1 0 7 0 255 -2 0"},
      {"{{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }}", "1.5 0.0 3.0"},
      {"{{ 2.5|round }} {{ 3.5|round }} {{ 2.567|round(2) }} {{ 2.1|round(method='ceil') }} {{ 25|round }} "
       "{{ 2.675|round(2) }} {{ -5|abs }}",
       "2.0 4.0 2.57 3.0 25 2.67 5"},
      {"{{ l|sum }} {{ l|max }} {{ l|min }} {{ []|max }} {{ names|max }}", "6 3 1  c"},
  });
}

TEST(Jinja, ListFilters) {
  expect_all({
      {"{{ l|first }} {{ l|last }} {{ l|length }} {{ l|count }} {{ l|sort }} {{ l|reverse|list }} {{ "
       "l|join('-') }} {{ 'ab'|list }}",
       "3 2 3 3 [1, 2, 3] [2, 1, 3] 3-1-2 ['a', 'b']"},
      {"{{ names|sort }} {{ names|sort(reverse=true) }} {{ names|sort(case_sensitive=true) }}",
       "['A', 'a', 'b', 'c'] ['c', 'b', 'A', 'a'] ['A', 'a', 'b', 'c']"},
      {"{{ messages|map(attribute='role')|join(',') }} {{ names|map('upper')|list }} {{ "
       "messages|map(attribute='zz', default='?')|list }}",
       "user,assistant,tool ['B', 'A', 'C', 'A'] ['?', '?', '?']"},
      {"{{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|selectattr('role', "
       "'in', ['user', 'tool'])|list|length }} "
       "{{ messages|rejectattr('role', 'eq', 'user')|map(attribute='role')|list }} {{ "
       "messages|selectattr('n', 'defined')|list }}",
       "1 2 ['assistant', 'tool'] []"},
      {"{{ l|select('odd')|list }} {{ l|reject('odd')|list }} {{ [0, 1, '']|select|list }} {{ l|select('>', "
       "1)|list }}",
       "[3, 1] [2] [1] [3, 2]"},
      {"{{ [1,2,2,1]|unique|list }} {{ ['a','A','b']|unique|list }} {{ d|list }} {{ [1,2,3]|batch(2, 0)|list "
       "}}",
       "[1, 2] ['a', 'b'] ['b', 'a', 'items'] [[1, 2], [3, 0]]"},
      {"{{ {'b': 2, 'a': 3}|dictsort }} {% for r, g in messages|groupby('role') %}{{ r }}:{{ g|length }} {% "
       "endfor %}",
       "[('a', 3), ('b', 2)] assistant:1 tool:1 user:1 "},
      {"{{ none|default('a') }} {{ none|default('a', true) }} {{ ''|d('b', boolean=true) }} {{ d.zz|d('c') "
       "}}",
       "None a b c"},
      {"{% if messages|selectattr('role', 'equalto', 'zz') %}a generator is always true{% endif %}",
       "a generator is always true"},
      {"{{ messages|selectattr('role')|length }}", "error"},
      {"{{ [1, 'a']|sort }}", "error"},
  });
}

TEST(Jinja, Tests) {
  expect_all({
      {"{{ n is defined }}{{ n is number }}{{ n is integer }}{{ f is float }}{{ yes is boolean }}{{ yes is "
       "true }}{{ yes is integer }}",
       "TrueTrueTrueTrueTrueTrueFalse"},
      {"{{ s is string }}{{ d is mapping }}{{ l is sequence }}{{ n is iterable }}{{ d is iterable }}{{ "
       "nothing is none }}{{ s is not string }}",
       "TrueTrueTrueFalseTrueTrueFalse"},
      {"{{ 3 is odd }}{{ 3 is even }}{{ 4 is divisibleby 2 }}{{ 1 is eq 1 }}{{ 1 is ne 1 }}{{ 2 is ge 2 }}{{ "
       "'a' is in 'abc' }}{{ 1 is equalto(2) }}",
       "TrueFalseTrueTrueFalseTrueTrueFalse"},
      {"{{ range is callable }}{{ 'ab' is lower }}{{ 'AB' is upper }}{{ none is sameas none }}{{ 1 is false "
       "}}{{ false is false }}",
       "TrueTrueTrueTrueFalseTrue"},
      {"{{ n is number and s is string }}{{ not n is number }}", "TrueFalse"},
  });
}

TEST(Jinja, StringMethods) {
  expect_all({
      {"{{ s.strip() }}|{{ s.lstrip() }}|{{ s.rstrip() }}|{{ 'xyaxy'.strip('xy') }}|{{ 'xxax'.lstrip('x') "
       "}}|{{ 'xxax'.rstrip('x') }}",
       "Hello World|Hello World | Hello World|a|ax|xxa"},
      {"{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', "
       "1) }} {{ ' a  b  c '.split(none, 1) }}",
       "['a', 'b', '', 'c'] ['a', 'b'] ['a', 'b c'] ['a b', 'c'] ['a', 'b  c ']"},
      {"{{ 'abc'.startswith('a') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.endswith('b') }}",
       "TrueTrueFalse"},
      {"{{ 'abcabc'.replace('b', 'X') }} {{ 'abcabc'.replace('b', 'X', 1) }} {{ 'abc'.replace('', '-') }}",
       "aXcaXc aXcabc -a-b-c-"},
      {"{{ 'abc'.find('c') }} {{ 'abc'.find('z') }} {{ u.find('好') }} {{ 'abcabc'.rfind('b') }} {{ "
       "'abcabc'.find('b', 2) }} {{ 'aXbX'.count('X') }}",
       "2 -1 7 4 4 2"},
      {"{{ ','.join(names) }} {{ 'ab'.upper().lower() }} {{ \"it's\".title() }} {{ 'aB'.swapcase() }} {{ "
       "'ab'.center(5, '*') }} {{ '-5'.zfill(4) }}",
       "b,A,c,a ab It'S Ab **ab* -005"},
      {"{{ 'a{}b{}'.format(1, 'x') }} {{ '{0}{1}{0}'.format(1, 2) }} {{ '{a}'.format(a=3) }}", "a1bx 121 3"},
      {"{{ 'a\nb\r\nc'.splitlines() }} {{ 'a.b.c'.partition('.') }} {{ 'a.b.c'.rpartition('.') }} {{ "
       "'pre_a'.removeprefix('pre_') }}",
       "['a', 'b', 'c'] ('a', '.', 'b.c') ('a.b', '.', 'c') a"},
      {"{{ '12'.isdigit() }}{{ 'ab'.isalpha() }}{{ ' '.isspace() }}{{ 'AB'.isupper() }}{{ ''.isalpha() }}",
       "TrueTrueTrueTrueFalse"},
      {"{{ 'abc'.index('z') }}", "error"},
      {"{{ 'abc'.split('') }}", "error"},
      {"{{ 'abc'.strip(1) }}", "error"},
      {"{{ 'abc'.upper(1) }}", "error"},
  });
}

TEST(Jinja, DictAndListMethods) {
  expect_all({
      {"{{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 4) }} {{ d.keys()|list }} {{ d.items()|first }}",
       "1 None 4 ['b', 'a', 'items'] ('b', 1)"},
      {"{{ l.index(1) }} {{ l.count(2) }}", "1 1"},
      {"{{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('a', 1)]) }}",
       "{'a': 1, 'b': 2} {'x': 1, 'y': 2} {'a': 1}"},
      {"{% set many = namespace(d={}) %}{% for i in range(40) %}{% set many.d = dict(many.d, **{'k' ~ i: i}) "
       "%}{% endfor %}"
       "{{ many.d.k0 }} {{ many.d['k39'] }} {{ many.d.k40 is defined }} {{ many.d|length }} {{ 'k12' in "
       "many.d }}",
       "0 39 False 40 True"},
  });
}

TEST(Jinja, TheYearComesFromTheClock) {
  EXPECT_EQ(render("{{ strftime_now('%Y')|length }} {{ strftime_now('%d %b')|length }}"), "4 6");
}

TEST(Jinja, WrongSyntaxIsRefused) {
  for (const char* source : {"{{ }}",
                             "{{ 1 + }}",
                             "{{ (1 }}",
                             "{{ [1 }}",
                             "{{ {1:2 }}",
                             "{{ 1 ) }}",
                             "{{ x | }}",
                             "{{ x y }}",
                             "{% foo %}",
                             "{% endif %}",
                             "{% else %}",
                             "{% set x %}",
                             "{% set = 1 %}",
                             "{{ f(a=1, 2) }}",
                             "{{ 1 if }}",
                             "{{ ! }}",
                             "{% macro m(a=1, b) %}{% endmacro %}",
                             "{% for x in l %}{% endif %}",
                             "{% if %}{% endif %}",
                             "{{ a[] }}",
                             "{{ x is string is string }}",
                             "{% macro m %}{% endmacro %}"}) {
    EXPECT_THROW(ChatTemplate{source}, Error) << source;
  }
}

}  // namespace
}  // namespace troika::text
