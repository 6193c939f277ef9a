#include "ops/program.h"

#include <fmt/format.h>

#include <iterator>

namespace troika::ops {

std::string_view name_of(OpKind kind) {
  switch (kind) {
    case OpKind::embed: return "embed";
    case OpKind::linear: return "linear";
    case OpKind::linear_where: return "linear_where";
    case OpKind::rms_norm: return "rms_norm";
    case OpKind::layer_norm: return "layer_norm";
    case OpKind::add: return "add";
    case OpKind::mul: return "mul";
    case OpKind::scale: return "scale";
    case OpKind::gated: return "gated";
    case OpKind::act: return "act";
    case OpKind::softcap: return "softcap";
    case OpKind::rope: return "rope";
    case OpKind::kv_write: return "kv_write";
    case OpKind::attend: return "attend";
    case OpKind::pick_rows: return "pick_rows";
    case OpKind::features: return "features";
    case OpKind::insert_features: return "insert_features";
    case OpKind::attend_spans: return "attend_spans";
    case OpKind::join_rows: return "join_rows";
    case OpKind::mean_rows: return "mean_rows";
    case OpKind::mix: return "mix";
    case OpKind::match_rms: return "match_rms";
    case OpKind::cut_below: return "cut_below";
    case OpKind::concat: return "concat";
    case OpKind::slice: return "slice";
    case OpKind::moe: return "moe";
    case OpKind::add_norm: return "add_norm";
    case OpKind::linear_gated: return "linear_gated";
  }
  return "?";
}

std::string to_string(const Program& program, const Op& op) {
  auto tensor = [&](Tensor t) {
    const TensorInfo& info = program[t];
    if (info.role == Role::weight) return fmt::format("{}{}", info.name, to_string(info.shape));
    return fmt::format("%{}", t.id);
  };
  std::string line;
  auto out = std::back_inserter(line);
  for (size_t i = 0; i < op.out.size(); ++i) fmt::format_to(out, "{}%{}", i ? ", " : "", op.out[i].id);
  fmt::format_to(out, "{}{}(", op.out.empty() ? "" : " = ", name_of(op.kind));
  size_t shown = op.kind == OpKind::moe ? 5 : op.in.size();  // of the experts, the first speaks for all
  for (size_t i = 0; i < shown; ++i) fmt::format_to(out, "{}{}", i ? ", " : "", tensor(op.in[i]));
  if (shown < op.in.size()) line += ", …";
  line += ')';
  for (Tensor t : op.out) {
    const TensorInfo& info = program[t];
    std::string_view rows = info.extent == Extent::tokens ? "T" : info.extent == Extent::outputs ? "O" : "";
    fmt::format_to(out, " {}{}", rows, to_string(info.shape));
  }
  return line;
}

std::string to_string(const Program& program) {
  std::string text;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    fmt::format_to(std::back_inserter(text), "{:4}  {:<28} {}\n", i, program.ops[i].name,
                   to_string(program, program.ops[i]));
  }
  return text;
}

}  // namespace troika::ops
