// The picture is made of rectangles and lines of text; its colours are classes, which a style sheet gives for light and dark.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "apps/plan_facts.h"
#include "apps/plan_prediction.h"
#include "apps/printable.h"

namespace troika::apps {
namespace {

constexpr int kWidth = 960, kLeft = 220, kRight = 20, kRow = 34, kTop = 64;
constexpr std::string_view kStyle = R"(<style>
text { font: 13px system-ui, sans-serif; fill: #1b1b1b }
.title { font-size: 17px; font-weight: 600 }
.small { font-size: 11px; fill: #555 }
.paper { fill: #fff }
.grid { fill: #ececec }
.d0 { fill: #2f6fdb } .d1 { fill: #d2691e } .d2 { fill: #2e8b57 } .d3 { fill: #8a4fbf }
.cache { fill: #b8a11a } .work { fill: #7a8795 } .system { fill: #b9b9b9 }
@media (prefers-color-scheme: dark) {
text { fill: #eee } .small { fill: #aaa } .paper { fill: #161616 } .grid { fill: #2b2b2b }
.d0 { fill: #6ea2ff } .d1 { fill: #ff9a52 } .d2 { fill: #5fce93 } .d3 { fill: #bf8cf0 }
.cache { fill: #d9c24a } .work { fill: #93a1b0 } .system { fill: #5a5a5a }
}
</style>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : printable(std::string(text))) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string label(double x, double y, std::string_view text, std::string_view kind = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, kind, escaped(text));
}

std::string box(double x, double y, double width, double height, std::string_view kind, double opacity = 1) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\" opacity=\"{:.2f}\"/>\n",
                     x, y, width, height, kind, opacity);
}

std::string colour(size_t device) { return fmt::format("d{}", device % 4); }

// "layer.12.attn.q" → 13: columns are what comes before the layers, the layers, what comes behind.
int column_of(const ops::Op& op, bool behind, int layers) {
  constexpr std::string_view kPrefix = "layer.";
  if (!op.name.starts_with(kPrefix)) return behind ? layers + 1 : 0;
  int layer = 0;
  std::from_chars(op.name.data() + kPrefix.size(), op.name.data() + op.name.size(), layer);
  return std::min(layer, layers - 1) + 1;
}

struct Row {
  std::string name;
  size_t device;
  const plan::Placement* placement;
};

std::vector<Row> rows_of(const Prediction& p) {
  std::vector<Row> rows;
  const auto add = [&](std::string_view what, const std::vector<size_t>& devices, const plan::Placement& placement) {
    for (size_t d : devices) {
      if (std::ranges::count(placement.device_of_op, int(d)) == 0) continue;
      rows.push_back({fmt::format("{}: {}", what, p.machine.devices[d].name), d, &placement});
    }
  };
  add("answers", p.plan.main.devices, p.plan.main.decode);
  add("prompts", p.plan.main.devices, p.plan.main.prompt);
  if (p.plan.two_lanes) add("prompts beside", p.plan.side->lane.devices, p.plan.side->lane.prompt);
  return rows;
}

// The share of each column's operations that the row's device does, as its opacity.
std::string draw(const Row& row, double y, const Subject& s, int layers) {
  std::vector<double> all(size_t(layers) + 2), mine(all.size());
  bool behind = false;
  for (size_t i = 0; i < s.program.ops.size(); ++i) {
    const int column = column_of(s.program.ops[i], behind, layers);
    behind |= column > 0;
    ++all[size_t(column)];
    mine[size_t(column)] += row.placement->device_of_op[i] == int(row.device);
  }
  const double width = double(kWidth - kLeft - kRight) / double(all.size());
  std::string out = label(16, y + 20, row.name);
  for (size_t c = 0; c < all.size(); ++c) {
    const double x = kLeft + double(c) * width;
    out += box(x + 0.5, y, width - 1, kRow - 8, "grid");
    if (mine[c] > 0) out += box(x + 0.5, y, width - 1, kRow - 8, colour(row.device), std::max(0.25, mine[c] / all[c]));
  }
  return out;
}

struct Part {
  std::string name, kind;
  double bytes;
};

std::vector<Part> parts_of(const Prediction& p) {
  const plan::Residency& r = p.plan.residency;
  std::vector<Part> parts;
  double caches = 0;
  for (size_t d = 0; d < p.machine.devices.size(); ++d) {
    parts.push_back({fmt::format("weights for {}", p.machine.devices[d].name), colour(d), r.weights_on(d)});
    caches += r.users * r.main.caches[d] + (r.side ? r.side->caches[d] : 0);
  }
  parts.push_back({"keys and values", "cache", caches});
  const double working = r.main.working + (r.side ? r.side->working : 0);
  parts.push_back({"tables, vision, working", "work", r.tables + r.tower + working});
  parts.push_back({"system and page cache", "system", p.machine.memory.reserved.value});
  std::erase_if(parts, [](const Part& part) { return part.bytes <= 0; });
  return parts;
}

// The bar, and a line for each of its parts below.
std::string draw_memory(const Prediction& p, double y) {
  const double total = p.machine.memory.bytes.value + p.machine.memory.carved.value;
  const double scale = (kWidth - kLeft - kRight) / total;
  std::string out = label(16, y + 20, fmt::format("memory: {}", size_text(size_t(total))));
  out += box(kLeft, y, kWidth - kLeft - kRight, kRow - 8, "grid");
  double x = kLeft, line = y + kRow + 12;
  for (const Part& part : parts_of(p)) {
    out += box(x, y, part.bytes * scale, kRow - 8, part.kind);
    out += box(kLeft, line - 10, 11, 11, part.kind);
    out += label(kLeft + 18, line, fmt::format("{}: {}", part.name, size_text(size_t(part.bytes))), "small");
    x += part.bytes * scale;
    line += 17;
  }
  return out;
}

}  // namespace

std::string picture(const Prediction& p, const Subject& s) {
  const std::vector<Row> rows = rows_of(p);
  const double memory_y = kTop + kRow * double(rows.size()) + 34;
  const double height = memory_y + kRow + 17 * double(parts_of(p).size()) + 16;
  std::string out =
      fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {:.0f}\" width=\"{}\" height=\"{:.0f}\">\n",
                  kWidth, height, kWidth, height);
  out += kStyle;
  out += box(0, 0, kWidth, height, "paper");
  out += label(16, 28, fmt::format("{} ({} weights) on {}", s.model.file->path().stem().string(), p.weights, p.machine.name),
               "title");
  out += label(16, 48,
               fmt::format("predicted: {:.1f} tokens/s for one user, {:.1f} for {}; prompts {:.0f} tokens/s",
                           p.plan.decode[0].tokens_per_s, p.plan.decode.back().tokens_per_s, p.plan.decode.back().users,
                           p.plan.two_lanes ? p.plan.side->lane.prompt_rate : p.plan.main.prompt_rate),
               "small");
  for (size_t i = 0; i < rows.size(); ++i) out += draw(rows[i], kTop + kRow * double(i), s, s.model.spec.layers);
  out += label(kLeft, memory_y - 16,
               fmt::format("left to right: the embedding, {} layers, the head; the paler, the fewer of its operations",
                           s.model.spec.layers),
               "small");
  return out + draw_memory(p, memory_y) + "</svg>\n";
}

}  // namespace troika::apps
