// Where ops of a model must run, whatever else a plan would choose: what --place says, or a planner found.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/program.h"

namespace troika::plan {

struct Pin {
  struct Layers {
    int first, last;
  };
  int device = 0;                   // number in the list of devices that the text is about
  std::optional<ops::OpKind> kind;  // nothing: every kind
  std::string part;                 // "attn", "mlp": the products of this part of a layer; "vision": those of the vision tower,
                                    // and nothing of the text model; "": every part
  std::vector<Layers> layers;       // empty: all ops, also those that stand in no layer
  int least_tokens = 1;             // holds for the tapes of steps of so many tokens, and larger ones
  std::string text;                 // as whoever pinned it would know it again: "linear=npu"

  bool names(const ops::Op& op) const;  // its kind, part and layer
  bool holds_for(const ops::Program& program, const ops::Op& op) const { return program.tokens >= least_tokens && names(op); }
};
using Pins = std::vector<Pin>;

// Reads "linear=npu,0-13=vulkan,20-23:attend=cpu,2+5+8-9:mlp@256=npu": kinds of ops or parts of layers, layers, or both, and of
// how many tokens steps are at least. `devices`: the names of the list, in its order. Throws Error for unknown kinds, devices
// and layers; whether pins agree is pins_of()'s to say.
Pins parse_pins(std::string_view text, std::span<const std::string> devices, int layers);

// The pins of the vision tower's tape, among those of a model.
Pins tower_pins(const Pins& pins);

// By op, the pin that decides about it; null: none does. Of several, the one for the largest steps. Ops of one cache stay
// together, and a pin of one of them takes the others along. Throws Error about pins that contradict each other.
std::vector<const Pin*> pins_of(const ops::Program& program, const Pins& pins);
// Fails: a device does not do an op that is pinned to it; `others` do.
[[noreturn]] void refuse(const Pin& pin, const ops::Op& op, std::string_view device, std::span<const std::string_view> others);
// The cache that an op reads or writes; nothing: none.
std::optional<int> cache_of(const ops::Op& op);

// The same text without the pins to a device, which is no more.
std::string without_device(std::string_view text, std::string_view device);

// Whether an op is a product of a part of a layer, "attn" or "mlp".
bool is_product_of(const ops::Op& op, std::string_view part);

// "layer.12.mlp.down.weight" → 12; -1 outside layers.
int layer_of(std::string_view name);

}  // namespace troika::plan
