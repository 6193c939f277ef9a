// Functions that exist without being members of anything: range, dict, namespace, and what transformers adds
// to Jinja for chat templates: raise_exception and strftime_now.
#include <ctime>

#include "text/jinja_access.h"
#include "text/jinja_builtins.h"
#include "text/jinja_print.h"

namespace troika::text::jinja {

namespace {

constexpr int64_t kMaxRange = 100'000;  // as in Jinja's own sandbox

Value range(Call& call) {
  bool only_stop = !call.has(1);
  int64_t start = only_stop ? 0 : call.integer(0, 0);
  int64_t stop = call.integer(only_stop ? 0 : 1, 0);
  int64_t step = call.integer(2, 1);
  if (step == 0) fail("the step of range() must not be 0");
  std::vector<Value> items;
  // In wider arithmetic, since start + step may leave int64.
  for (__int128 at = start; step > 0 ? at < stop : at > stop; at += step) {
    if (items.size() == size_t(kMaxRange)) fail("range() of more than {} numbers", kMaxRange);
    items.emplace_back(int64_t(at));
  }
  return make_list(call.meter(), std::move(items), ListFlavor::range);
}

void add_entries(Call& call, Dict& dict, const Value& from) {
  if (from.is(Kind::dict)) {
    dict = from.dict();
    return;
  }
  Value pairs = as_list(call.machine, from);
  for (const Value& pair : pairs.list().items) {
    if (!pair.is(Kind::list) || pair.list().items.size() != 2) fail("dict() needs pairs");
    call.meter().step(dict.search_steps(pair.list().items[0]));
    dict.set(pair.list().items[0], pair.list().items[1]);
  }
}

Dict dict_of(Call& call) {
  Dict dict;
  if (call.arguments.size() > 1) fail("at most one argument without a name is allowed here");
  if (!call.arguments.empty()) add_entries(call, dict, call.arguments[0]);
  for (auto& [name, value] : call.named) dict.set(name, std::move(value));
  return dict;
}

Value make_dict(Call& call) { return make_dict(call.meter(), dict_of(call)); }

Value make_namespace(Call& call) {
  Dict values = dict_of(call);
  auto* result = call.machine.make<Namespace>();
  for (const auto& [name, value] : values.entries()) {
    if (name.is(Kind::string)) result->set(call.meter(), name.string(), value);
  }
  return static_cast<Object*>(result);
}

Value raise_exception(Call& call) { throw RaisedByTemplate(to_text(call.meter(), call[0])); }

Value strftime_now(Call& call) {
  constexpr size_t kLongestFormat = 256;
  std::string format(call.string(0));
  if (format.size() > kLongestFormat) fail("the format of strftime_now() is too long");
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char buffer[4096];
  return std::string(buffer, std::strftime(buffer, sizeof(buffer), format.c_str(), &local));
}

constexpr Builtin kGlobals[] = {
    {"range", "start stop step", 1, range},      {"dict", "*", 0, make_dict},
    {"namespace", "*", 0, make_namespace},       {"raise_exception", "message", 1, raise_exception},
    {"strftime_now", "format", 1, strftime_now},
};

}  // namespace

const Builtin* find_global(std::string_view name) {
  for (const Builtin& row : kGlobals) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace troika::text::jinja
