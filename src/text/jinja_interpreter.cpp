// Walks the tree. A name is looked up in the scopes outwards, then in the variables of the request, then
// among the global functions. Loops, macros and block sets open scopes; what is set inside does not reach
// out, which is why templates have namespaces.
#include "text/jinja_interpreter.h"

#include <memory>
#include <unordered_map>
#include <utility>

#include "text/jinja_access.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace troika::text::jinja {

namespace {

struct Scope {
  Scope* parent;
  std::unordered_map<std::string_view, Value> names = {};  // the keys lie in the tree
  bool captured = false;  // a macro was made in it and may be called when it is gone from the stack
};

enum class Flow { next, break_loop, continue_loop };

class Interpreter {
 public:
  Interpreter(const Dict& variables, const RenderLimits& limits)
      : machine_{Meter(limits), {}}, variables_(variables) {}

  std::string run(const Template& source) {
    std::string out;
    out_ = &out;
    ScopeGuard scope(*this, nullptr);
    try {
      execute(source.body);
    } catch (const RaisedByTemplate&) {
      throw;
    } catch (const Error& error) {
      fail("chat template, line {}: {}", line_, error.what());
    }
    return out;
  }

 private:
  class Macro;
  class Loop;

  // --- guards

  // Opens a scope; keeps it alive to the end of the rendering if a macro was made in it.
  class ScopeGuard {
   public:
    ScopeGuard(Interpreter& interpreter, Scope* parent)
        : interpreter_(interpreter),
          outer_(interpreter.scope_),
          scope_(std::make_unique<Scope>(Scope{parent})) {
      interpreter_.scope_ = scope_.get();
    }
    explicit ScopeGuard(Interpreter& interpreter) : ScopeGuard(interpreter, interpreter.scope_) {}
    ~ScopeGuard() {
      interpreter_.scope_ = outer_;
      if (scope_->captured) interpreter_.kept_scopes_.push_back(std::move(scope_));
    }
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

   private:
    Interpreter& interpreter_;
    Scope* outer_;
    std::unique_ptr<Scope> scope_;
  };

  class Depth {
   public:
    explicit Depth(Interpreter& interpreter) : depth_(interpreter.depth_) {
      if (depth_ >= kMaxCallDepth) fail("macros and loops call each other more than {} deep", kMaxCallDepth);
      ++depth_;
    }
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    int& depth_;
  };

  // Collects what is printed while it lives.
  class Capture {
   public:
    explicit Capture(Interpreter& interpreter) : interpreter_(interpreter), outer_(interpreter.out_) {
      interpreter_.out_ = &text;
    }
    ~Capture() { interpreter_.out_ = outer_; }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    std::string text;

   private:
    Interpreter& interpreter_;
    std::string* outer_;
  };

  Meter& meter() { return machine_.meter; }

  // --- names

  Value lookup(std::string_view name) {
    for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
      auto found = scope->names.find(name);
      if (found != scope->names.end()) return found->second;
    }
    if (const Value* value = variables_.find(name)) return *value;
    if (const Builtin* global = find_global(name)) return global;
    return Value::undefined(fmt::format("'{}' is undefined", name));
  }

  void set(std::string_view name, Value value) {
    auto [at, is_new] = scope_->names.insert_or_assign(name, std::move(value));
    if (is_new) meter().make(4 * sizeof(Value));
  }

  void assign(const Target& target, const Value& value) {
    if (!target.parts.empty()) {
      Value parts = as_list(machine_, value);
      const auto& items = parts.list().items;
      if (items.size() != target.parts.size())
        fail("{} values for {} names", items.size(), target.parts.size());
      for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    } else if (target.attribute.empty()) {
      set(target.name, value);
    } else {
      Value owner = lookup(target.name);
      auto* space = owner.is(Kind::object) ? dynamic_cast<Namespace*>(owner.object()) : nullptr;
      if (space == nullptr) fail("only a namespace's attributes can be set, and '{}' is none", target.name);
      space->set(meter(), target.attribute, value);
    }
  }

  // --- expressions

  Value evaluate(const Expression& expression) {
    Depth depth(*this);
    meter().step();
    line_ = expression.line;
    switch (expression.kind) {
      case ExpressionKind::constant:
        return expression.value;
      case ExpressionKind::name:
        return lookup(expression.name);
      case ExpressionKind::list:
        return make_list(meter(), evaluate_all(expression.parts));
      case ExpressionKind::tuple:
        return make_list(meter(), evaluate_all(expression.parts), ListFlavor::tuple);
      case ExpressionKind::dict:
        return dict(expression);
      case ExpressionKind::attribute:
        return attribute(machine_, part(expression, 0), expression.name);
      case ExpressionKind::item:
        return element(expression);
      case ExpressionKind::slice:
        return sliced(expression);
      case ExpressionKind::call:
        return call(expression);
      case ExpressionKind::filter:
        return filter(expression, part(expression, 0));
      case ExpressionKind::test:
        return test(expression);
      case ExpressionKind::negate:
        return negate(part(expression, 0));
      case ExpressionKind::plus:
        return plus(expression);
      case ExpressionKind::logical_not:
        return !part(expression, 0).truthy();
      case ExpressionKind::logical_and:
        return logical(expression, false);
      case ExpressionKind::logical_or:
        return logical(expression, true);
      case ExpressionKind::binary:
        return binary(expression);
      case ExpressionKind::concat:
        return concat(expression);
      case ExpressionKind::compare:
        return compare(expression);
      case ExpressionKind::choice:
        return choose(expression);
    }
    return {};
  }

  Value part(const Expression& expression, size_t i) { return evaluate(*expression.parts[i]); }

  std::vector<Value> evaluate_all(const std::vector<ExpressionPtr>& parts) {
    std::vector<Value> values;
    values.reserve(parts.size());
    for (const auto& part : parts) values.push_back(evaluate(*part));
    return values;
  }

  Value dict(const Expression& expression) {
    Dict result;
    for (size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
      Value key = part(expression, i);
      meter().step(result.search_steps(key));
      result.set(std::move(key), part(expression, i + 1));
    }
    return make_dict(meter(), std::move(result));
  }

  Value element(const Expression& expression) {
    Value owner = part(expression, 0);
    return item(machine_, owner, part(expression, 1));
  }

  Value sliced(const Expression& expression) {
    std::vector<Value> values;
    for (const auto& part : expression.parts) values.push_back(part != nullptr ? evaluate(*part) : Value());
    return slice(machine_, values[0], values[1], values[2], values[3]);
  }

  Call arguments(const Expression& expression, Value self) {
    Call call{machine_, std::move(self), {}, {}};
    for (const Argument& argument : expression.arguments) {
      Value value = evaluate(*argument.value);
      switch (argument.kind) {
        case ArgumentKind::positional:
          call.arguments.push_back(std::move(value));
          break;
        case ArgumentKind::named:
          call.named.emplace_back(argument.name, std::move(value));
          break;
        case ArgumentKind::spread_list: {
          Value list = as_list(machine_, value);
          meter().make(list.list().items.size(), sizeof(Value));
          for (const Value& item : list.list().items) call.arguments.push_back(item);
          break;
        }
        case ArgumentKind::spread_dict:
          if (!value.is(Kind::dict)) fail("** needs a dict, not a value of type {}", value.type_name());
          meter().make(value.dict().size(), 3 * sizeof(Value));
          for (const auto& [key, item] : value.dict().entries()) {
            call.named.emplace_back(to_text(meter(), key), item);
          }
          break;
      }
    }
    return call;
  }

  Value call(const Expression& expression) {
    Value callee = part(expression, 0);
    Call call = arguments(expression, {});
    line_ = expression.line;
    return invoke(callee, call);
  }

  // `subject` is the value on the left, or the text of a filter block.
  Value filter(const Expression& expression, Value subject) {
    Call call = arguments(expression, std::move(subject));
    line_ = expression.line;
    if (expression.builtin == nullptr) fail("there is no filter named '{}'", expression.name);
    return jinja::run(*expression.builtin, call);
  }

  Value test(const Expression& expression) {
    Call call = arguments(expression, part(expression, 0));
    line_ = expression.line;
    if (expression.builtin == nullptr) fail("there is no test named '{}'", expression.name);
    return jinja::run(*expression.builtin, call);
  }

  Value plus(const Expression& expression) {
    Value value = part(expression, 0);
    if (value.is(Kind::undefined)) fail("{}", value.why_undefined());
    if (!value.is_number()) fail("'+' does not work on a value of type {}", value.type_name());
    return value.is(Kind::boolean) ? Value(value.integer()) : value;
  }

  Value logical(const Expression& expression, bool until) {
    Value left = part(expression, 0);
    return left.truthy() == until ? left : part(expression, 1);
  }

  Value binary(const Expression& expression) {
    Value left = part(expression, 0);
    Value right = part(expression, 1);
    line_ = expression.line;
    return apply(machine_, expression.binary, left, right);
  }

  Value concat(const Expression& expression) {
    std::string text;
    for (const auto& part : expression.parts) print(meter(), evaluate(*part), text);
    return text;
  }

  bool holds(CompareOperator op, const Value& a, const Value& b) {
    switch (op) {
      case CompareOperator::equal:
        return equal(meter(), a, b);
      case CompareOperator::unequal:
        return !equal(meter(), a, b);
      case CompareOperator::less:
        return less(meter(), a, b);
      case CompareOperator::less_equal:
        return less(meter(), a, b) || equal(meter(), a, b);
      case CompareOperator::greater:
        return less(meter(), b, a);
      case CompareOperator::greater_equal:
        return less(meter(), b, a) || equal(meter(), a, b);
      case CompareOperator::in:
        return contains(machine_, b, a);
      case CompareOperator::not_in:
        return !contains(machine_, b, a);
    }
    return false;
  }

  Value compare(const Expression& expression) {
    Value left = part(expression, 0);
    for (size_t i = 0; i < expression.operators.size(); ++i) {
      Value right = part(expression, i + 1);
      line_ = expression.line;
      if (!holds(expression.operators[i], left, right)) return false;
      left = std::move(right);
    }
    return true;
  }

  Value choose(const Expression& expression) {
    if (part(expression, 0).truthy()) return part(expression, 1);
    if (expression.parts[2] != nullptr) return part(expression, 2);
    return Value::undefined("the condition is false and there is no else");
  }

  // --- statements

  Flow execute(const Body& body) {
    Depth depth(*this);
    for (const Statement& statement : body) {
      Flow flow = execute(statement);
      if (flow != Flow::next) return flow;
    }
    return Flow::next;
  }

  Flow execute(const Statement& statement) {
    meter().step();
    line_ = statement.line;
    switch (statement.kind) {
      case StatementKind::text:
        emit(statement.text);
        break;
      case StatementKind::print:
        emit(statement);
        break;
      case StatementKind::choose:
        return choose(statement);
      case StatementKind::loop:
        loop(statement, evaluate(*statement.value), 0);
        break;
      case StatementKind::assign:
        assign(statement.target, evaluate(*statement.value));
        break;
      case StatementKind::assign_block:
        assign_block(statement);
        break;
      case StatementKind::macro:
        set(statement.macro->name, make_macro(statement));
        break;
      case StatementKind::call_block:
        call_block(statement);
        break;
      case StatementKind::filter_block:
        filter_block(statement);
        break;
      case StatementKind::with:
        return with(statement);
      case StatementKind::scope: {
        ScopeGuard scope(*this);
        return execute(statement.body);
      }
      case StatementKind::break_loop:
        return Flow::break_loop;
      case StatementKind::continue_loop:
        return Flow::continue_loop;
    }
    return Flow::next;
  }

  void emit(const Statement& statement) {
    Value value = evaluate(*statement.value);
    if (value.is(Kind::string)) return emit(value.string());
    print(meter(), value, *out_);
    check_output();
  }
  void emit(std::string_view text) {
    meter().make(text.size());
    out_->append(text);
    check_output();
  }
  void check_output() {
    if (out_->size() > meter().limits().output_bytes) {
      fail("the rendered text exceeds {} bytes", meter().limits().output_bytes);
    }
  }

  Flow choose(const Statement& statement) {
    for (const Branch& branch : statement.branches) {
      if (branch.test == nullptr || evaluate(*branch.test).truthy()) return execute(branch.body);
    }
    return Flow::next;
  }

  // The elements that pass the loop's own `if`, which sees the loop's target but not `loop`.
  Value filtered(const Statement& statement, const Value& over) {
    Value all = as_list(machine_, over);
    if (statement.filter == nullptr) return all;
    std::vector<Value> kept;
    for (const Value& value : all.list().items) {
      meter().step();
      ScopeGuard scope(*this);
      assign(statement.target, value);
      if (evaluate(*statement.filter).truthy()) kept.push_back(value);
    }
    return make_list(meter(), std::move(kept));
  }

  void loop(const Statement& statement, const Value& over, int level);

  void assign_block(const Statement& statement) {
    Capture capture(*this);
    {
      ScopeGuard scope(*this);
      execute(statement.body);
    }
    Value text = std::move(capture.text);
    assign(statement.target, statement.value == nullptr ? text : chain(*statement.value, text));
  }

  void filter_block(const Statement& statement) {
    Value text;
    {
      Capture capture(*this);
      ScopeGuard scope(*this);
      execute(statement.body);
      text = std::move(capture.text);
    }
    emit(to_text(meter(), chain(*statement.value, text)));
  }

  // Filters whose innermost subject is given.
  Value chain(const Expression& expression, const Value& subject) {
    Depth depth(*this);
    if (expression.parts[0] == nullptr) return filter(expression, subject);
    return filter(expression, chain(*expression.parts[0], subject));
  }

  Flow with(const Statement& statement) {
    std::vector<Value> values;
    for (const auto& [target, value] : statement.assignments) values.push_back(evaluate(*value));
    ScopeGuard scope(*this);
    for (size_t i = 0; i < values.size(); ++i) assign(statement.assignments[i].first, values[i]);
    return execute(statement.body);
  }

  // --- macros

  Value make_macro(const Statement& statement);
  void call_block(const Statement& statement);
  std::string run_macro(const MacroSyntax& macro, Scope* defined_in, Call& call);

  Machine machine_;
  const Dict& variables_;
  Scope* scope_ = nullptr;
  std::vector<std::unique_ptr<Scope>> kept_scopes_;
  std::string* out_ = nullptr;
  int depth_ = 0;
  int line_ = 1;
};

// --- macros

class Interpreter::Macro : public Object {
 public:
  Macro(Interpreter& interpreter, std::shared_ptr<const MacroSyntax> syntax, Scope* scope)
      : interpreter_(interpreter), syntax_(std::move(syntax)), scope_(scope) {}
  std::string_view type_name() const override { return "Macro"; }
  bool is_callable() const override { return true; }
  Value attribute(Machine&, std::string_view name) override {
    if (name == "name") return syntax_->name;
    return Value::undefined(fmt::format("a macro has no attribute '{}'", name));
  }
  Value call(Call& call) override { return interpreter_.run_macro(*syntax_, scope_, call); }

 private:
  Interpreter& interpreter_;
  std::shared_ptr<const MacroSyntax> syntax_;
  Scope* scope_;
};

Value Interpreter::make_macro(const Statement& statement) {
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent) {
    meter().make(sizeof(Scope));
    scope->captured = true;
  }
  return static_cast<Object*>(machine_.make<Macro>(*this, statement.macro, scope_));
}

void Interpreter::call_block(const Statement& statement) {
  Value caller = make_macro(statement);
  Value callee = evaluate(*statement.value->parts[0]);
  Call call = arguments(*statement.value, {});
  call.named.emplace_back("caller", caller);
  emit(to_text(meter(), invoke(callee, call)));
}

std::string Interpreter::run_macro(const MacroSyntax& macro, Scope* defined_in, Call& call) {
  Depth depth(*this);
  ScopeGuard scope(*this, defined_in);
  for (const Parameter& parameter : macro.parameters) {
    set(parameter.name,
        Value::undefined(fmt::format("the macro's parameter '{}' was not given", parameter.name)));
  }
  size_t given = std::min(call.arguments.size(), macro.parameters.size());
  std::vector<bool> is_given(macro.parameters.size());
  for (size_t i = 0; i < given; ++i) {
    set(macro.parameters[i].name, call.arguments[i]);
    is_given[i] = true;
  }
  if (call.arguments.size() > given && !macro.takes_varargs) {
    fail("the macro '{}' takes at most {} arguments", macro.name, macro.parameters.size());
  }
  meter().step(macro.parameters.size() * call.named.size() / 64);
  Dict others;
  for (const auto& [name, value] : call.named) {
    size_t at = 0;
    while (at < macro.parameters.size() && macro.parameters[at].name != name) ++at;
    if (at < macro.parameters.size()) {
      if (is_given[at]) fail("the macro '{}' got its argument '{}' twice", macro.name, name);
      set(macro.parameters[at].name, value);
      is_given[at] = true;
    } else if (name == "caller") {
      set("caller", value);
    } else if (macro.takes_kwargs) {
      others.set(name, value);
    } else {
      fail("the macro '{}' has no parameter named '{}'", macro.name, name);
    }
  }
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const Parameter& parameter = macro.parameters[i];
    if (!is_given[i] && parameter.fallback != nullptr) set(parameter.name, evaluate(*parameter.fallback));
  }
  if (macro.takes_kwargs) set("kwargs", make_dict(meter(), std::move(others)));
  if (macro.takes_varargs) {
    set("varargs", make_list(meter(), {call.arguments.begin() + int64_t(given), call.arguments.end()},
                             ListFlavor::tuple));
  }
  Capture capture(*this);
  execute(macro.body);
  return std::move(capture.text);
}

// --- loops

// The variable `loop`.
class Interpreter::Loop : public Object {
 public:
  Loop(Interpreter& interpreter, const Statement& statement, Value over, int level)
      : interpreter_(interpreter), statement_(statement), over_(std::move(over)), level_(level) {}

  std::string_view type_name() const override { return "LoopContext"; }
  bool is_callable() const override { return statement_.recursive; }

  Value attribute(Machine& machine, std::string_view name) override {
    int64_t count = int64_t(items().size());
    if (name == "index0") return at_;
    if (name == "index") return at_ + 1;
    if (name == "first") return at_ == 0;
    if (name == "last") return at_ + 1 == count;
    if (name == "length") return count;
    if (name == "revindex") return count - at_;
    if (name == "revindex0") return count - at_ - 1;
    if (name == "depth0") return level_;
    if (name == "depth") return level_ + 1;
    if (name == "previtem")
      return at_ > 0 ? items()[size_t(at_ - 1)] : Value::undefined("there is no previous item");
    if (name == "nextitem") {
      return at_ + 1 < count ? items()[size_t(at_ + 1)] : Value::undefined("there is no next item");
    }
    for (const Builtin& row : kMethods) {
      if (row.name != name) continue;
      machine.meter.make(sizeof(BoundMethod));
      return std::make_shared<const BoundMethod>(BoundMethod{static_cast<Object*>(this), &row});
    }
    return Value::undefined(fmt::format("'loop' has no attribute '{}'", name));
  }

  // loop(children), in a recursive loop: its text.
  Value call(Call& call) override {
    if (!statement_.recursive) fail("the loop is not recursive");
    if (call.arguments.size() != 1) fail("loop() takes one argument");
    Depth depth(interpreter_);
    Capture capture(interpreter_);
    interpreter_.loop(statement_, call.arguments[0], level_ + 1);
    return std::move(capture.text);
  }

  const std::vector<Value>& items() const { return over_.list().items; }
  void move_to(size_t at) { at_ = int64_t(at); }

 private:
  static Loop& self(Call& call) { return static_cast<Loop&>(*call.self.object()); }
  static Value cycle(Call& call) {
    if (call.arguments.empty()) fail("loop.cycle() needs something to choose from");
    return call.arguments[size_t(self(call).at_) % call.arguments.size()];
  }
  static Value changed(Call& call) {
    Value now = make_list(call.meter(), call.arguments);
    Value& before = self(call).last_seen_;
    bool differs = before.is(Kind::missing) || !equal(call.meter(), before, now);
    before = std::move(now);
    return differs;
  }
  static constexpr Builtin kMethods[] = {{"cycle", "*", 0, cycle}, {"changed", "*", 0, changed}};

  Interpreter& interpreter_;
  const Statement& statement_;
  Value over_;
  int level_;
  int64_t at_ = 0;
  Value last_seen_;
};

void Interpreter::loop(const Statement& statement, const Value& over, int level) {
  auto* loop = machine_.make<Loop>(*this, statement, filtered(statement, over), level);
  Value loop_value = static_cast<Object*>(loop);
  for (size_t i = 0; i < loop->items().size(); ++i) {
    meter().step();
    loop->move_to(i);
    ScopeGuard scope(*this);
    set("loop", loop_value);
    assign(statement.target, loop->items()[i]);
    if (execute(statement.body) == Flow::break_loop) break;
  }
  if (loop->items().empty()) {
    ScopeGuard scope(*this);
    execute(statement.otherwise);
  }
}

}  // namespace

std::string render(const Template& source, const Dict& variables, const RenderLimits& limits) {
  return Interpreter(variables, limits).run(source);
}

}  // namespace troika::text::jinja
