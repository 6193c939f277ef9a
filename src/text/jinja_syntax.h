// The syntax tree of a template. Two kinds of node, each one plain struct whose fields mean what the kind
// says. A tree knows its depth, so that walking and destroying it is bounded whatever the source was.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/jinja_value.h"

namespace troika::text::jinja {

struct Builtin;
struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Body = std::vector<Statement>;

enum class ExpressionKind {
  constant,     // value
  name,         // name
  list,         // parts
  tuple,        // parts
  dict,         // parts: key, value, key, value, ...
  attribute,    // parts[0] . name
  item,         // parts[0] [ parts[1] ]
  slice,        // parts[0] [ parts[1] : parts[2] : parts[3] ], absent parts are null
  call,         // parts[0] ( arguments )
  filter,       // parts[0] | name ( arguments ); parts[0] is null in {% filter %}
  test,         // parts[0] is name ( arguments )
  negate,       // - parts[0]
  plus,         // + parts[0]
  logical_not,  // not parts[0]
  logical_and,
  logical_or,
  binary,   // parts[0] name parts[1]
  concat,   // parts joined by ~
  compare,  // parts[0] operators[0] parts[1] operators[1] ...
  choice,   // parts[1] if parts[0] else parts[2], which may be null
};

enum class BinaryOperator { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class CompareOperator { equal, unequal, less, less_equal, greater, greater_equal, in, not_in };

enum class ArgumentKind { positional, named, spread_list, spread_dict };
struct Argument {
  ArgumentKind kind;
  std::string name;
  ExpressionPtr value;
};

struct Expression {
  ExpressionKind kind;
  int line = 0;
  int depth = 1;
  std::string name;
  Value value;
  std::vector<ExpressionPtr> parts;
  std::vector<Argument> arguments;
  BinaryOperator binary = {};
  std::vector<CompareOperator> operators;
  const Builtin* builtin = nullptr;  // the filter or test of this name; null if there is none
};

// What `set` and `for` assign to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  std::string name;
  std::string attribute;  // of the namespace `name`, when not empty
  std::vector<Target> parts;
};

struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // null: undefined when not given
};

enum class StatementKind {
  text,          // text
  print,         // value
  choose,        // branches
  loop,          // target in value if filter: body, otherwise; recursive
  assign,        // target = value
  assign_block,  // target = body, through value (a chain of filters) if there is one
  macro,         // macro
  call_block,    // value with macro as its `caller`
  filter_block,  // body through value
  with,          // targets = values: body
  scope,         // body, in a scope of its own
  break_loop,
  continue_loop,
};

struct Branch {
  ExpressionPtr test;  // null: else
  Body body;
};

struct MacroSyntax {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  bool takes_varargs = false;  // the body reads `varargs`
  bool takes_kwargs = false;
};

struct Statement {
  StatementKind kind;
  int line = 0;
  int depth = 1;
  std::string text;
  Target target;
  ExpressionPtr value;
  ExpressionPtr filter;
  bool recursive = false;
  Body body;
  Body otherwise;
  std::vector<Branch> branches;
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  std::shared_ptr<const MacroSyntax> macro;
};

struct Template {
  Body body;
};

}  // namespace troika::text::jinja
