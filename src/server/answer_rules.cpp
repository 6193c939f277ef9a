// See answer_rules.h. A model that reasons is free to until </think>; what follows keeps to the rules. Free
// text beside tools is free until a call begins, and from there on keeps to the rules, so that no call is
// ever malformed.
#include "server/answer_rules.h"

#include <algorithm>

#include "grammar/schema_merge.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

using grammar::CharSet;
using grammar::Expr;

constexpr std::string_view kThinkBegin = "<think>", kThinkEnd = "</think>";
constexpr int kMostBlanks = 4;  // between reasoning and answer

const CharSet& blanks() {
  static const CharSet set = CharSet::of(" \t\r\n");
  return set;
}

class Builder {
 public:
  Builder(const AnswerRules& wanted, ToolForm form) : wanted_(wanted), form_(form), json_(rules_) {}

  grammar::Compiled build(bool drops_first_space) {
    std::vector<std::string> unenforced;
    Expr whole = after_reasoning(answer(unenforced));
    // Of some vocabularies' first token a blank is taken away.
    if (drops_first_space) whole = rules_.sequence({rules_.optional(rules_.bytes(" ")), whole});
    return {.automaton = grammar::compile(rules_, whole), .notes = std::move(unenforced)};
  }

 private:
  Expr answer(std::vector<std::string>& unenforced) {
    const bool formatted = !wanted_.format.free();
    if (!wanted_.tools.active()) return format_rules(wanted_.format, rules_, json_);
    Expr calls = call_rules(wanted_.tools, form_, rules_, json_, unenforced);
    if (wanted_.tools.choice == ToolRequest::Choice::required) return calls;
    if (formatted) return rules_.choice({format_rules(wanted_.format, rules_, json_), calls});
    if (form_ == ToolForm::hermes) return rules_.sequence({rules_.avoid(kCallBegin), rules_.optional(calls)});
    Expr blank = rules_.repeat(rules_.chars(blanks()), 0);
    CharSet no_call = CharSet::of("{");
    no_call.add(blanks());
    Expr words =
        rules_.sequence({rules_.chars(no_call.complement()), rules_.repeat(rules_.chars(CharSet::all()), 0)});
    return rules_.sequence({blank, rules_.choice({words, calls, rules_.empty()})});
  }

  Expr after_reasoning(Expr answer) {
    Expr gap = rules_.repeat(rules_.chars(blanks()), 0, kMostBlanks);
    Expr rest = rules_.sequence({rules_.until(kThinkEnd), gap});
    switch (wanted_.reasoning) {
      case text::Reasoning::none:
        return answer;
      case text::Reasoning::possible:
        return rules_.sequence({rules_.optional(rules_.sequence({rules_.bytes(kThinkBegin), rest})), answer});
      case text::Reasoning::open:
        return rules_.sequence({rest, answer});
    }
    return answer;
  }

  const AnswerRules& wanted_;
  const ToolForm form_;
  grammar::Rules rules_;
  grammar::JsonRules json_;
};

// All that the grammar depends on, and its notes, which name tools by their places.
std::string key_of(const AnswerRules& wanted) {
  Json key = {int(wanted.reasoning), int(wanted.format.kind), wanted.format.value};
  if (wanted.tools.active()) {
    key.push_back({int(wanted.tools.choice), wanted.tools.parallel});
    for (const Tool& tool : wanted.tools.tools) {
      if (tool.allowed) key.push_back({tool.path, tool.name, tool.strict, tool.parameters});
    }
  }
  return key.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::shared_ptr<const grammar::TokenGrammar> answer_grammar(const engine::Engine& engine,
                                                            const AnswerRules& wanted) {
  if (wanted.format.free() && !wanted.tools.active()) return nullptr;
  const engine::TextModel& text = engine.text();
  const ToolForm form = tool_form(text.tokenizer->data().chat_template);
  if (!wanted.format.free() && wanted.tools.active() && form == ToolForm::plain)
    refuse(wanted.format.path,
           "{} beside tools is not supported with this model: its calls and its answers would look alike.",
           wanted.format.path);
  const std::string param = wanted.format.free() ? "tools" : wanted.format.path;
  try {
    return text.grammars->get(key_of(wanted), [&] {
      return Builder(wanted, form).build(text.grammars->vocabulary().drops_first_space());
    });
  } catch (const ApiError&) {
    throw;
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    const bool schema = wanted.format.kind == OutputFormat::Kind::json_schema;
    throw ApiError(400, "invalid_request_error", fmt::format("{}: {}.", param, error.what()), param,
                   schema ? "invalid_json_schema" : "");
  }
}

void add_notes(Reply& reply, const grammar::TokenGrammar* grammar) {
  if (!grammar) return;
  for (std::string note : grammar->notes()) {
    std::ranges::replace_if(note, [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
    reply.headers.emplace_back("X-Troika-Not-Enforced", note.substr(0, 300));
  }
}

}  // namespace troika::server
