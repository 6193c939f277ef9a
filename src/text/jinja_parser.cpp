// Recursive descent over the tokens, one function for each level of Jinja's grammar, loosest first:
// choice, or, and, not, compare, sum, concat, product, power, unary, postfix and filters, primary.
#include "text/jinja_parser.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "text/jinja_builtins.h"
#include "text/jinja_lexer.h"

namespace troika::text::jinja {

namespace {

using Names = std::initializer_list<std::string_view>;

template <typename Row, size_t N>
const Row* find_row(const Row (&rows)[N], std::string_view symbol) {
  for (const Row& row : rows) {
    if (row.symbol == symbol) return &row;
  }
  return nullptr;
}

struct BinaryRow {
  std::string_view symbol;
  BinaryOperator op;
};
constexpr BinaryRow kSums[] = {{"+", BinaryOperator::add}, {"-", BinaryOperator::subtract}};
constexpr BinaryRow kProducts[] = {{"*", BinaryOperator::multiply},
                                   {"/", BinaryOperator::divide},
                                   {"//", BinaryOperator::floor_divide},
                                   {"%", BinaryOperator::modulo}};
constexpr BinaryRow kPowers[] = {{"**", BinaryOperator::power}};

struct CompareRow {
  std::string_view symbol;
  CompareOperator op;
};
constexpr CompareRow kComparisons[] = {
    {"==", CompareOperator::equal},  {"!=", CompareOperator::unequal},
    {"<", CompareOperator::less},    {"<=", CompareOperator::less_equal},
    {">", CompareOperator::greater}, {">=", CompareOperator::greater_equal}};

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)) {}

  Template run() {
    Template result{body({})};
    return result;
  }

 private:
  // --- tokens

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }
  int line() const { return current().line; }

  bool at_op(std::string_view op) const { return current().kind == TokenKind::op && current().text == op; }
  bool at_name(std::string_view name) const {
    return current().kind == TokenKind::name && current().text == name;
  }
  bool skip_op(std::string_view op) { return at_op(op) && (take(), true); }
  bool skip_name(std::string_view name) { return at_name(name) && (take(), true); }

  std::string what_is_here() const {
    switch (current().kind) {
      case TokenKind::name:
      case TokenKind::op:
        return fmt::format("'{}'", current().text);
      case TokenKind::constant:
        return "a constant";
      case TokenKind::print_end:
        return "'}}'";
      case TokenKind::block_end:
        return "'%}'";
      case TokenKind::end:
        return "the end of the template";
      case TokenKind::text:
      case TokenKind::block_begin:
      case TokenKind::print_begin:
        break;
    }
    return "text";
  }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    fail_at(line(), fmt::format("{} stands where {} should be", what_is_here(), wanted));
  }
  void expect_op(std::string_view op) {
    if (!skip_op(op)) unexpected(fmt::format("'{}'", op));
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) unexpected(fmt::format("'{}'", name));
  }
  void expect(TokenKind kind, std::string_view text) {
    if (current().kind != kind) unexpected(text);
    take();
  }
  void expect_block_end() { expect(TokenKind::block_end, "'%}'"); }
  std::string expect_identifier() {
    if (current().kind != TokenKind::name) unexpected("a name");
    return take().text;
  }

  // --- depth

  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMaxSyntaxDepth) parser_.too_deep();
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };
  [[noreturn]] void too_deep() const {
    fail_at(line(), fmt::format("nested more than {} deep", kMaxSyntaxDepth));
  }

  ExpressionPtr node(ExpressionKind kind, int line) const {
    auto expression = std::make_unique<Expression>();
    expression->kind = kind;
    expression->line = line;
    return expression;
  }
  void add_part(Expression& parent, ExpressionPtr part) const {
    if (part != nullptr) parent.depth = std::max(parent.depth, part->depth + 1);
    if (parent.depth > kMaxSyntaxDepth) too_deep();
    parent.parts.push_back(std::move(part));
  }
  ExpressionPtr wrap(ExpressionKind kind, int line, ExpressionPtr part) const {
    auto parent = node(kind, line);
    add_part(*parent, std::move(part));
    return parent;
  }

  // --- expressions

  ExpressionPtr expression() {
    Nesting nesting(*this);
    int here = line();
    ExpressionPtr value = logical_or();
    while (skip_name("if")) {
      auto choice = node(ExpressionKind::choice, here);
      add_part(*choice, logical_or());
      add_part(*choice, std::move(value));
      add_part(*choice, skip_name("else") ? expression() : nullptr);
      value = std::move(choice);
    }
    return value;
  }

  ExpressionPtr logical_or() {
    int here = line();
    ExpressionPtr left = logical_and();
    while (skip_name("or")) {
      left = wrap(ExpressionKind::logical_or, here, std::move(left));
      add_part(*left, logical_and());
    }
    return left;
  }

  ExpressionPtr logical_and() {
    int here = line();
    ExpressionPtr left = logical_not();
    while (skip_name("and")) {
      left = wrap(ExpressionKind::logical_and, here, std::move(left));
      add_part(*left, logical_not());
    }
    return left;
  }

  ExpressionPtr logical_not() {
    Nesting nesting(*this);
    int here = line();
    if (skip_name("not")) return wrap(ExpressionKind::logical_not, here, logical_not());
    return compare();
  }

  ExpressionPtr compare() {
    int here = line();
    ExpressionPtr left = sum();
    ExpressionPtr comparison;
    while (true) {
      CompareOperator op;
      if (const auto* row =
              current().kind == TokenKind::op ? find_row(kComparisons, current().text) : nullptr) {
        take();
        op = row->op;
      } else if (skip_name("in")) {
        op = CompareOperator::in;
      } else if (at_name("not") && next().kind == TokenKind::name && next().text == "in") {
        take();
        take();
        op = CompareOperator::not_in;
      } else {
        break;
      }
      if (comparison == nullptr) comparison = wrap(ExpressionKind::compare, here, std::move(left));
      comparison->operators.push_back(op);
      add_part(*comparison, sum());
    }
    return comparison != nullptr ? std::move(comparison) : std::move(left);
  }

  template <size_t N>
  ExpressionPtr binary(const BinaryRow (&rows)[N], ExpressionPtr (Parser::*operand)()) {
    int here = line();
    ExpressionPtr left = (this->*operand)();
    while (current().kind == TokenKind::op) {
      const BinaryRow* row = find_row(rows, current().text);
      if (row == nullptr) break;
      take();
      left = wrap(ExpressionKind::binary, here, std::move(left));
      left->binary = row->op;
      add_part(*left, (this->*operand)());
    }
    return left;
  }

  ExpressionPtr sum() { return binary(kSums, &Parser::concat); }

  ExpressionPtr concat() {
    int here = line();
    ExpressionPtr first = product();
    if (!at_op("~")) return first;
    ExpressionPtr all = wrap(ExpressionKind::concat, here, std::move(first));
    while (skip_op("~")) add_part(*all, product());
    return all;
  }

  ExpressionPtr product() { return binary(kProducts, &Parser::power); }
  ExpressionPtr power() { return binary(kPowers, &Parser::unary_with_filters); }
  ExpressionPtr unary_with_filters() { return unary(true); }

  ExpressionPtr unary(bool with_filters) {
    Nesting nesting(*this);
    int here = line();
    ExpressionPtr value;
    if (skip_op("-")) {
      value = wrap(ExpressionKind::negate, here, unary(false));
    } else if (skip_op("+")) {
      value = wrap(ExpressionKind::plus, here, unary(false));
    } else {
      value = primary();
    }
    value = postfix(std::move(value));
    return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
  }

  ExpressionPtr constant(Value value) {
    auto result = node(ExpressionKind::constant, line());
    result->value = std::move(value);
    return result;
  }

  ExpressionPtr primary() {
    int here = line();
    if (current().kind == TokenKind::constant) {
      Value value = take().value;
      if (!value.is(Kind::string)) return constant(std::move(value));
      std::string text = value.string();  // neighbours become one string
      while (current().kind == TokenKind::constant && current().value.is(Kind::string))
        text += take().value.string();
      return constant(std::move(text));
    }
    if (current().kind == TokenKind::name) {
      std::string name = take().text;
      if (name == "true" || name == "True") return constant(true);
      if (name == "false" || name == "False") return constant(false);
      if (name == "none" || name == "None") return constant(Value::none());
      if (macro_ != nullptr && name == "varargs") macro_->takes_varargs = true;
      if (macro_ != nullptr && name == "kwargs") macro_->takes_kwargs = true;
      auto result = node(ExpressionKind::name, here);
      result->name = std::move(name);
      return result;
    }
    if (skip_op("(")) {
      ExpressionPtr inside = at_op(")") ? node(ExpressionKind::tuple, here) : tuple(&Parser::expression);
      expect_op(")");
      return inside;
    }
    if (skip_op("[")) {
      auto list = node(ExpressionKind::list, here);
      while (!at_op("]")) {
        add_part(*list, expression());
        if (!skip_op(",")) break;
      }
      expect_op("]");
      return list;
    }
    if (skip_op("{")) {
      auto dict = node(ExpressionKind::dict, here);
      while (!at_op("}")) {
        add_part(*dict, expression());
        expect_op(":");
        add_part(*dict, expression());
        if (!skip_op(",")) break;
      }
      expect_op("}");
      return dict;
    }
    unexpected("a value");
  }

  bool at_tuple_end() const {
    return current().kind == TokenKind::block_end || current().kind == TokenKind::print_end ||
           current().kind == TokenKind::end || at_op(")") || at_name("recursive") || at_op("=");
  }

  // One value, or several with commas between them, which are a tuple.
  ExpressionPtr tuple(ExpressionPtr (Parser::*element)()) {
    int here = line();
    ExpressionPtr first = (this->*element)();
    if (!at_op(",")) return first;
    auto result = wrap(ExpressionKind::tuple, here, std::move(first));
    while (skip_op(",")) {
      if (at_tuple_end()) break;
      add_part(*result, (this->*element)());
    }
    return result;
  }

  ExpressionPtr postfix(ExpressionPtr value) {
    while (true) {
      int here = line();
      if (skip_op(".")) {
        if (current().kind == TokenKind::constant && current().value.is(Kind::integer)) {
          value = wrap(ExpressionKind::item, here, std::move(value));
          Value index = take().value;
          add_part(*value, constant(std::move(index)));
        } else {
          value = wrap(ExpressionKind::attribute, here, std::move(value));
          value->name = expect_identifier();
        }
      } else if (skip_op("[")) {
        value = subscript(std::move(value), here);
      } else if (at_op("(")) {
        value = wrap(ExpressionKind::call, here, std::move(value));
        arguments(*value);
      } else {
        return value;
      }
    }
  }

  ExpressionPtr subscript(ExpressionPtr value, int here) {
    ExpressionPtr bounds[3];
    int colons = 0;
    while (!at_op("]") && !at_op(",")) {
      if (skip_op(":")) {
        if (++colons > 2) unexpected("']'");
      } else if (bounds[colons] == nullptr) {
        bounds[colons] = expression();
      } else {
        unexpected("']'");
      }
    }
    if (colons == 0 && bounds[0] == nullptr) unexpected("a subscript");
    if (at_op(",")) fail_at(line(), "a subscript of several values is not supported");
    expect_op("]");
    value = wrap(colons == 0 ? ExpressionKind::item : ExpressionKind::slice, here, std::move(value));
    for (int i = 0; i < (colons == 0 ? 1 : 3); ++i) add_part(*value, std::move(bounds[i]));
    return value;
  }

  void arguments(Expression& call) {
    expect_op("(");
    while (!at_op(")")) {
      Argument argument{ArgumentKind::positional, {}, nullptr};
      if (skip_op("*")) {
        argument.kind = ArgumentKind::spread_list;
      } else if (skip_op("**")) {
        argument.kind = ArgumentKind::spread_dict;
      } else if (current().kind == TokenKind::name && next().kind == TokenKind::op && next().text == "=") {
        argument.kind = ArgumentKind::named;
        argument.name = take().text;
        take();
      } else if (!call.arguments.empty() && (call.arguments.back().kind == ArgumentKind::named ||
                                             call.arguments.back().kind == ArgumentKind::spread_dict)) {
        unexpected("a named argument");
      }
      argument.value = expression();
      add_argument(call, std::move(argument));
      if (!skip_op(",")) break;
    }
    expect_op(")");
  }

  void add_argument(Expression& call, Argument argument) const {
    call.depth = std::max(call.depth, argument.value->depth + 1);
    if (call.depth > kMaxSyntaxDepth) too_deep();
    call.arguments.push_back(std::move(argument));
  }

  ExpressionPtr filters_and_tests(ExpressionPtr value) {
    while (true) {
      int here = line();
      if (at_op("|")) {
        value = filter(std::move(value));
      } else if (at_name("is")) {
        value = test(std::move(value));
      } else if (at_op("(")) {
        value = wrap(ExpressionKind::call, here, std::move(value));
        arguments(*value);
      } else {
        return value;
      }
    }
  }

  std::string dotted_name() {
    std::string name = expect_identifier();
    while (skip_op(".")) name += "." + expect_identifier();
    return name;
  }

  ExpressionPtr filter(ExpressionPtr value) {
    int here = line();
    expect_op("|");
    auto result = wrap(ExpressionKind::filter, here, std::move(value));
    result->name = dotted_name();
    result->builtin = find_filter(result->name);
    if (at_op("(")) arguments(*result);
    return result;
  }

  ExpressionPtr test(ExpressionPtr value) {
    int here = line();
    expect_name("is");
    bool negated = skip_name("not");
    auto result = wrap(ExpressionKind::test, here, std::move(value));
    result->name = dotted_name();
    result->builtin = find_test(result->name);
    bool word = current().kind == TokenKind::name && !at_name("else") && !at_name("or") && !at_name("and");
    if (at_op("(")) {
      arguments(*result);
    } else if (word || current().kind == TokenKind::constant || at_op("[") || at_op("{")) {
      if (at_name("is")) unexpected("something other than a second test");
      Nesting nesting(*this);
      add_argument(*result, {ArgumentKind::positional, {}, postfix(primary())});
    }
    return negated ? wrap(ExpressionKind::logical_not, here, std::move(result)) : std::move(result);
  }

  // --- statements

  // Everything up to a block whose name is in `ends`, which is left for the caller ("{%" taken, its name
  // not), or up to the end of the template when there are no ends.
  Body body(Names ends) {
    Nesting nesting(*this);
    Body statements;
    int begin = line();
    while (true) {
      int here = line();
      switch (current().kind) {
        case TokenKind::end:
          if (ends.size() == 0) return statements;
          fail_at(begin, fmt::format("'{}' is missing", *(ends.end() - 1)));
        case TokenKind::text: {
          auto& text = statements.emplace_back(Statement{StatementKind::text, here});
          text.text = take().text;
          break;
        }
        case TokenKind::print_begin: {
          take();
          auto& print = statements.emplace_back(Statement{StatementKind::print, here});
          set_value(print, tuple(&Parser::expression));
          expect(TokenKind::print_end, "'}}'");
          break;
        }
        case TokenKind::block_begin: {
          take();
          if (std::any_of(ends.begin(), ends.end(), [&](auto name) { return at_name(name); }))
            return statements;
          block(statements, here);
          break;
        }
        case TokenKind::print_end:
        case TokenKind::block_end:
        case TokenKind::name:
        case TokenKind::constant:
        case TokenKind::op:
          unexpected("text or a tag");
      }
    }
  }

  // The rest of a body's last tag: {% endfor %}.
  void end_block(std::string_view name) {
    expect_name(name);
    if (name == "endmacro" && current().kind == TokenKind::name) take();
    expect_block_end();
  }

  void deepen(Statement& parent, int depth) const {
    parent.depth = std::max(parent.depth, depth + 1);
    if (parent.depth > kMaxSyntaxDepth) too_deep();
  }
  void deepen(Statement& parent, const Body& body) const {
    for (const Statement& child : body) deepen(parent, child.depth);
  }
  void set_value(Statement& parent, ExpressionPtr value) const {
    deepen(parent, value->depth);
    parent.value = std::move(value);
  }

  struct BlockRow {
    std::string_view name;
    void (Parser::*parse)(Body& out, int line);
  };

  void block(Body& out, int here) {
    static constexpr BlockRow kBlocks[] = {
        {"if", &Parser::if_block},       {"for", &Parser::for_block},
        {"set", &Parser::set_block},     {"macro", &Parser::macro_block},
        {"call", &Parser::call_block},   {"filter", &Parser::filter_block},
        {"with", &Parser::with_block},   {"generation", &Parser::generation_block},
        {"break", &Parser::break_block}, {"continue", &Parser::continue_block},
        {"print", &Parser::print_block}};
    std::string name = expect_identifier();
    for (const BlockRow& row : kBlocks) {
      if (row.name == name) return (this->*row.parse)(out, here);
    }
    fail_at(here, fmt::format("the tag '{}' is unknown or stands in the wrong place", name));
  }

  void if_block(Body& out, int here) {
    Statement choose{StatementKind::choose, here};
    auto add_branch = [&](ExpressionPtr test, Names ends) {
      expect_block_end();
      if (test != nullptr) deepen(choose, test->depth);
      choose.branches.push_back({std::move(test), body(ends)});
      deepen(choose, choose.branches.back().body);
    };
    add_branch(tuple(&Parser::logical_or), {"elif", "else", "endif"});
    while (skip_name("elif")) add_branch(tuple(&Parser::logical_or), {"elif", "else", "endif"});
    if (skip_name("else")) add_branch(nullptr, {"endif"});
    end_block("endif");
    out.push_back(std::move(choose));
  }

  void for_block(Body& out, int here) {
    Statement loop{StatementKind::loop, here};
    loop.target = target_tuple(false);
    expect_name("in");
    set_value(loop, tuple(&Parser::logical_or));
    if (skip_name("if")) {
      loop.filter = expression();
      deepen(loop, loop.filter->depth);
    }
    loop.recursive = skip_name("recursive");
    expect_block_end();
    ++loops_;
    loop.body = body({"else", "endfor"});
    --loops_;
    deepen(loop, loop.body);
    if (skip_name("else")) {
      expect_block_end();
      loop.otherwise = body({"endfor"});
      deepen(loop, loop.otherwise);
    }
    end_block("endfor");
    out.push_back(std::move(loop));
  }

  Target target(bool with_attributes) {
    Nesting nesting(*this);
    if (skip_op("(")) {
      Target inside = target_tuple(with_attributes);
      expect_op(")");
      return inside;
    }
    Target result;
    int here = line();
    result.name = expect_identifier();
    for (auto word : {"true", "false", "none", "True", "False", "None"}) {
      if (result.name == word) fail_at(here, fmt::format("'{}' cannot be assigned to", word));
    }
    if (with_attributes && skip_op(".")) result.attribute = expect_identifier();
    return result;
  }

  Target target_tuple(bool with_attributes) {
    Target first = target(with_attributes);
    if (!at_op(",")) return first;
    Target result;
    result.parts.push_back(std::move(first));
    while (skip_op(",")) {
      if (at_tuple_end() || at_name("in")) break;
      result.parts.push_back(target(with_attributes));
    }
    return result;
  }

  void set_block(Body& out, int here) {
    Statement assign{StatementKind::assign, here};
    assign.target = target_tuple(true);
    if (skip_op("=")) {
      set_value(assign, tuple(&Parser::expression));
      expect_block_end();
    } else {
      assign.kind = StatementKind::assign_block;
      if (at_op("|")) set_value(assign, filter_chain());
      expect_block_end();
      assign.body = body({"endset"});
      deepen(assign, assign.body);
      end_block("endset");
    }
    out.push_back(std::move(assign));
  }

  // | a | b(1): filters whose first value comes from elsewhere.
  ExpressionPtr filter_chain() {
    ExpressionPtr value;
    while (at_op("|")) value = filter(std::move(value));
    return value;
  }

  // The parameters (if there are any) and the body of a macro or of a call block.
  void macro_rest(Statement& statement, std::string name, std::string_view end) {
    auto macro = std::make_shared<MacroSyntax>();
    MacroSyntax* outer = std::exchange(macro_, macro.get());
    macro->name = std::move(name);
    if (skip_op("(")) parameters(statement, *macro);
    if (statement.kind == StatementKind::call_block) set_value(statement, call_expression());
    expect_block_end();
    int loops = std::exchange(loops_, 0);
    macro->body = body({end});
    loops_ = loops;
    deepen(statement, macro->body);
    end_block(end);
    macro_ = outer;
    statement.macro = std::move(macro);
  }

  void parameters(Statement& statement, MacroSyntax& macro) {
    while (!at_op(")")) {
      Parameter parameter{target(false).name, nullptr};
      if (skip_op("=")) {
        parameter.fallback = expression();
        deepen(statement, parameter.fallback->depth);
      } else if (!macro.parameters.empty() && macro.parameters.back().fallback != nullptr) {
        unexpected("'='");
      }
      macro.parameters.push_back(std::move(parameter));
      if (!skip_op(",")) break;
    }
    expect_op(")");
  }

  ExpressionPtr call_expression() {
    ExpressionPtr call = expression();
    if (call->kind != ExpressionKind::call) fail_at(line(), "'call' needs the call of a macro");
    return call;
  }

  void macro_block(Body& out, int here) {
    Statement macro{StatementKind::macro, here};
    macro.target.name = target(false).name;
    if (!at_op("(")) unexpected("'('");
    macro_rest(macro, macro.target.name, "endmacro");
    out.push_back(std::move(macro));
  }

  void call_block(Body& out, int here) {
    Statement call{StatementKind::call_block, here};
    macro_rest(call, "caller", "endcall");
    out.push_back(std::move(call));
  }

  void filter_block(Body& out, int here) {
    Statement statement{StatementKind::filter_block, here};
    auto first = node(ExpressionKind::filter, here);
    add_part(*first, nullptr);
    first->name = dotted_name();
    first->builtin = find_filter(first->name);
    if (at_op("(")) arguments(*first);
    while (at_op("|")) first = filter(std::move(first));
    set_value(statement, std::move(first));
    expect_block_end();
    statement.body = body({"endfilter"});
    deepen(statement, statement.body);
    end_block("endfilter");
    out.push_back(std::move(statement));
  }

  void with_block(Body& out, int here) {
    Statement with{StatementKind::with, here};
    while (current().kind != TokenKind::block_end) {
      if (!with.assignments.empty()) expect_op(",");
      Target name = target(false);
      expect_op("=");
      ExpressionPtr value = expression();
      deepen(with, value->depth);
      with.assignments.emplace_back(std::move(name), std::move(value));
    }
    expect_block_end();
    with.body = body({"endwith"});
    deepen(with, with.body);
    end_block("endwith");
    out.push_back(std::move(with));
  }

  // Marks what the model said, for training; here only its scope matters.
  void generation_block(Body& out, int here) {
    Statement scope{StatementKind::scope, here};
    expect_block_end();
    scope.body = body({"endgeneration"});
    deepen(scope, scope.body);
    end_block("endgeneration");
    out.push_back(std::move(scope));
  }

  void break_block(Body& out, int here) { leave_loop(out, {StatementKind::break_loop, here}); }
  void continue_block(Body& out, int here) { leave_loop(out, {StatementKind::continue_loop, here}); }
  void leave_loop(Body& out, Statement statement) {
    if (loops_ == 0) fail_at(statement.line, "'break' and 'continue' belong in a loop");
    expect_block_end();
    out.push_back(std::move(statement));
  }

  void print_block(Body& out, int here) {
    Statement print{StatementKind::print, here};
    set_value(print, tuple(&Parser::expression));
    expect_block_end();
    out.push_back(std::move(print));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;  // around the current tag, inside the current macro
  MacroSyntax* macro_ = nullptr;
};

}  // namespace

Template parse(std::string_view source) { return Parser(source).run(); }

}  // namespace troika::text::jinja
