#include "plan/pins.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"

namespace troika::plan {
namespace {

constexpr std::string_view kParts[] = {"attn", "mlp", "vision"};

std::vector<std::string_view> parts_of(std::string_view text, char between = ',') {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(between), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "3", "0-13" or "0+2-5"; empty: it is something else.
std::vector<Pin::Layers> layers_of(std::string_view text) {
  std::vector<Pin::Layers> layers;
  for (std::string_view part : parts_of(text, '+')) {
    const size_t dash = part.find('-');
    const auto first = number(part.substr(0, dash)), last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (!first || !last) return {};
    layers.push_back({*first, *last});
  }
  return layers;
}

std::optional<ops::OpKind> kind_of(std::string_view name) {
  for (int i = 0; i < ops::kOpKinds; ++i) {
    const auto kind = static_cast<ops::OpKind>(i);
    if (!is_fused(kind) && name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

std::string kinds() {
  std::string names;
  for (int i = 0; i < ops::kOpKinds; ++i) {
    const auto kind = static_cast<ops::OpKind>(i);
    if (!is_fused(kind)) names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of(kind));
  }
  return names;
}

std::string_view device_in(std::string_view pin) { return pin.substr(std::min(pin.find('='), pin.size() - 1) + 1); }

Pin parse_pin(std::string_view text, std::span<const std::string> devices, int layers) {
  const size_t equals = text.find('=');
  if (equals == text.npos) {
    fail("--place {}: say what and where, such as linear=npu, 0-13=vulkan or 0-13:attend=cpu", text);
  }
  Pin pin{.text = std::string(text)};
  const auto device = std::ranges::find(devices, device_in(text));
  if (device == devices.end()) {
    fail("--place {}: {} is not in the list of --device, which is {}", text, device_in(text), fmt::join(devices, ","));
  }
  pin.device = static_cast<int>(device - devices.begin());
  std::string_view what = text.substr(0, equals);
  if (const size_t at = what.find('@'); at != what.npos) {
    const auto tokens = number(what.substr(at + 1));
    if (!tokens || *tokens < 1) fail("--place {}: behind @ comes a number of tokens, such as linear@256=npu", text);
    pin.least_tokens = *tokens;
    what = what.substr(0, at);
  }
  const size_t colon = what.find(':');
  pin.layers = layers_of(what.substr(0, colon));
  for (const Pin::Layers& l : pin.layers) {
    if (l.first > l.last || l.last >= layers) fail("--place {}: the model has layers 0 to {}", text, layers - 1);
  }
  if (pin.layers.empty() || colon != what.npos) {
    const std::string_view name = pin.layers.empty() ? what : what.substr(colon + 1);
    pin.kind = kind_of(name);
    if (std::ranges::count(kParts, name) > 0) pin.part = name;
    if (!pin.kind && pin.part.empty()) {
      fail("--place {}: there is no such kind of operation; there are {}, the products attn, mlp and vision, and layers such "
           "as 0-13 or 2+5", text, kinds());
    }
  }
  if (pin.part == "vision" && (!pin.layers.empty() || pin.least_tokens > 1)) {
    fail("--place {}: vision is the whole tower, for all sizes of pictures", text);
  }
  const bool is_all = !pin.kind && pin.part.empty();
  const bool has_cache = is_all || pin.kind == ops::OpKind::attend || pin.kind == ops::OpKind::kv_write;
  if (pin.least_tokens > 1 && has_cache) {
    fail("--place {}: a cache stays on one device whatever a step's tokens; with @ pin other kinds, such as linear", text);
  }
  return pin;
}

}  // namespace

bool Pin::names(const ops::Op& op) const {
  if (kind && *kind != op.kind) return false;
  if (!part.empty() && !is_product_of(op, part)) return false;
  const int layer = layer_of(op.name);
  return layers.empty() ||
         std::ranges::any_of(layers, [&](const Layers& l) { return l.first <= layer && layer <= l.last; });
}

Pins parse_pins(std::string_view text, std::span<const std::string> devices, int layers) {
  Pins pins;
  for (std::string_view part : parts_of(text)) pins.push_back(parse_pin(part, devices, layers));
  return pins;
}

Pins tower_pins(const Pins& pins) {
  Pins all;
  for (const Pin& pin : pins) {
    if (pin.part != "vision") continue;
    all.push_back({.device = pin.device, .kind = ops::OpKind::linear, .part = "", .layers = {}, .text = pin.text});
  }
  return all;
}

std::optional<int> cache_of(const ops::Op& op) {
  if (op.kind == ops::OpKind::kv_write) return op.as<ops::KvParams>().cache;
  if (op.kind == ops::OpKind::attend) return op.as<ops::AttendParams>().cache;
  return std::nullopt;
}

std::vector<const Pin*> pins_of(const ops::Program& program, const Pins& pins) {
  std::vector<const Pin*> found(program.ops.size(), nullptr);
  std::map<int, const Pin*> of_cache;
  for (size_t i = 0; i < found.size(); ++i) {
    const ops::Op& op = program.ops[i];
    const auto cache = cache_of(op);
    const Pin*& decides = cache ? of_cache[*cache] : found[i];
    for (const Pin& pin : pins) {
      if (!pin.holds_for(program, op)) continue;
      if (decides && decides->least_tokens > pin.least_tokens) continue;
      const bool is_alike = decides && decides->least_tokens == pin.least_tokens;
      if (is_alike && decides->device != pin.device) {
        fail("--place {} and {} contradict each other about {} ({}){}; leave one of them out", decides->text, pin.text, op.name,
             name_of(op.kind), cache ? ", since ops of one cache stay together" : "");
      }
      decides = &pin;
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (const auto cache = cache_of(program.ops[i])) found[i] = of_cache[*cache];
  }
  return found;
}

void refuse(const Pin& pin, const ops::Op& op, std::string_view device, std::span<const std::string_view> others) {
  fail("--place {}: {} does not do {} ({}); {}", pin.text, device, op.name, name_of(op.kind),
       others.empty() ? "nor does any other device of the list" : fmt::format("on {} it runs", fmt::join(others, " and ")));
}

std::string without_device(std::string_view text, std::string_view device) {
  std::vector<std::string_view> rest = parts_of(text);
  std::erase_if(rest, [&](std::string_view pin) { return device_in(pin) == device; });
  return fmt::format("{}", fmt::join(rest, ","));
}

bool is_product_of(const ops::Op& op, std::string_view part) {
  return ops::multiplies(op) && op.name.find(fmt::format(".{}.", part)) != op.name.npos;
}

int layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "layer.";
  int layer = -1;
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

}  // namespace troika::plan
