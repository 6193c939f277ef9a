// Rotary embedding, the cache, attention.
#include <algorithm>
#include <cstddef>

#include "device/vulkan/compiler.h"
#include "tensor/rotation.h"

namespace troika::device::vulkan {
namespace {

constexpr int kMostHead = 512;     // of shaders/kv_write.comp and lib/attend.glsl
constexpr uint32_t kRowsKind = 4;  // of shaders/lib/cache.glsl: keys and values are rows of a tensor

// As shaders/lib/cache.glsl numbers them.
uint32_t cache_number(Format format) {
  switch (format) {
    case Format::f32: return 0;
    case Format::f16: return 1;
    case Format::q8_0: return 2;
    case Format::q4_0: return 3;
    default: fail("the GPU keeps keys and values in f16, f32, q8_0 or q4_0, not in {}", info(format).name);
  }
}

VkDeviceAddress address_of(const std::shared_ptr<Buffer>& buffer) {
  auto found = std::dynamic_pointer_cast<GpuBuffer>(buffer);
  check(found != nullptr, "the GPU allocated the cache");
  return found->address();
}

// As shaders/lib/attend.glsl has it.
struct Attention {
  VkDeviceAddress step, q, to, keys, values, more, angles, states, tickets;
  uint32_t rotation;
  float scale, softcap;
  int32_t window, group, rows;
  uint32_t slots, unused[3];
  VkDeviceAddress link;
};
static_assert(offsetof(Attention, link) == Chain::kPushAt);
struct AttentionMore {
  VkDeviceAddress to_numbers, to_scales, new_keys, new_values;
};

constexpr uint32_t kStretch = 128;               // positions, of shaders/lib/attend.glsl
constexpr uint32_t kMostWritten = 8;             // tokens of a step whose keys and values attend_new.comp writes
constexpr int kMostWrittenHead = 256;            // values of their heads
constexpr uint32_t kSidesOfNew = 2;              // lanes there for each lane of attend.comp
constexpr size_t kMostStateBytes = size_t{64} << 20;

// That keep a GPU busy: four for each of its processors.
uint32_t workgroups_wanted(GpuKind kind) {
  return kind == GpuKind::discrete ? 528 : kind == GpuKind::software ? 16 : 64;
}

// What a workgroup computes: some heads, of those that share a key/value head, of some tokens; and how many workgroups
// there are for all heads and all tokens. Tokens are put together only where there are many, since few are seldom of one text.
struct Tile {
  uint32_t heads, tokens, across, down;
  uint32_t rows() const { return heads * tokens; }
};

// most: rows.
Tile tile_of(uint32_t heads, uint32_t kv_heads, uint32_t tokens, uint32_t most, uint32_t wanted) {
  const uint32_t share = heads / kv_heads, shares = pieces(share, most);
  Tile tile{.heads = pieces(share, shares), .across = kv_heads * shares};
  tile.tokens = std::clamp(tokens * tile.across / wanted, 1u, most / tile.heads);
  tile.down = pieces(tokens, tile.tokens);
  return tile;
}

// Shared memory and registers hold 8 rows of up to 128 values, or half as many of more.
uint32_t most_rows(uint32_t dim) { return dim <= 128 ? 8 : 4; }
uint32_t lanes_of(uint32_t dim) { return 1024 / most_rows(dim); }

// Of shaders/attend_half.comp.
constexpr uint32_t kUnitLanes = 512, kUnitRows = 16, kUnitBlock = 32, kMostUnitHead = 256;

uint32_t unit_shared_bytes(uint32_t rows, uint32_t dim) {
  const uint32_t sums = (std::max(kStretch, dim) / 4 | 1) * 16, queries = dim * 2 + 16;  // of a row
  return rows * (sums + queries + 8) + 800;
}

// Rows of one of its workgroups: as many as are wanted and fit; 0: heads are not of its kind.
uint32_t unit_rows(const Caps& caps, uint32_t dim, uint32_t wanted) {
  if (dim % kUnitBlock != 0 || dim > kMostUnitHead) return 0;
  for (uint32_t rows = wanted > kUnitRows ? 2 * kUnitRows : kUnitRows; rows >= kUnitRows; rows /= 2) {
    if (unit_shared_bytes(rows, dim) <= caps.shared_bytes) return rows;
  }
  return 0;
}

}  // namespace

void Compiler::rope(const Op& op) {
  if (is_turned_by_readers(op)) return;
  const auto& p = op.as<ops::RopeParams>();
  const uint32_t pairs = uint32_t(p.head_dim / 2), heads = uint32_t(p.heads);
  struct {
    VkDeviceAddress step, x, angles, to;
    uint32_t heads, pairs;
  } push{step_, at(op.in[0]), compiled_.step->angles(p.table), at(op.out[0]), heads, pairs};
  dispatch("rope", {}, bytes_of(push), {pieces(heads * pairs, 64), capacity(op.out[0]), 1}, {range(op.in[0])},
           {range(op.out[0])});
}

// The rope op that makes what a kv_write or attend takes first, if what that one reads is still there: whoever takes it then
// turns it itself. A result may lie where that was only if it is the same rows, as each is read before it is written.
const Op* Compiler::turned_just_before(const Op& reader) const {
  const size_t number = size_t(&reader - program_.ops.data());
  for (size_t i = number; i-- > segment_.begin;) {
    const Op& op = program_.ops[i];
    if (std::ranges::count(op.out, reader.in[0]) == 0) continue;
    if (op.kind != OpKind::rope) return nullptr;
    const Range source = range(op.in[0]);
    for (size_t between = i; between <= number; ++between) {
      for (Tensor out : program_.ops[between].out) {
        const Range written = range(out);
        const bool in_place = between == number && written.begin == source.begin && written.bytes == source.bytes;
        if (overlap(source, written) && !in_place) return nullptr;
      }
    }
    return &op;
  }
  return nullptr;
}

bool Compiler::is_turned_by_readers(const Op& rope) const {
  const auto turns = [&](const Op& reader) {
    return (reader.kind == OpKind::kv_write || reader.kind == OpKind::attend) && reader.in[0] == rope.out[0] &&
           std::ranges::count(reader.in, rope.out[0]) == 1 && turned_just_before(reader) == &rope;
  };
  size_t readers = 0;
  for (size_t i = 0; i < program_.ops.size(); ++i) {
    const Op& op = program_.ops[i];
    if (std::ranges::count(op.in, rope.out[0]) == 0) continue;
    if (i < segment_.begin || i >= segment_.end || !turns(op)) return false;
    ++readers;
  }
  return readers > 0;
}

// The attend op that puts the step's keys and values in the cache itself, in the place of a dispatch and a barrier; null:
// there are many of them, or they are more to write than they are, or what they lie in may be overwritten meanwhile.
const Op* Compiler::writes_itself(const Op& kv_write) const {
  const int number = kv_write.as<ops::KvParams>().cache;
  const Tensor values = kv_write.in[1];
  const Op* key_turn = turned_just_before(kv_write);
  const Tensor keys = key_turn ? key_turn->in[0] : kv_write.in[0];
  const int dim = program_.caches[size_t(number)].head_dim;
  const bool fits = capacity(keys) <= kMostWritten && dim <= kMostWrittenHead && dim % 4 == 0;
  if (!fits || segment_.caches[size_t(number)].format != Format::f16) return nullptr;
  for (size_t i = size_t(&kv_write - program_.ops.data()) + 1; i < segment_.end; ++i) {
    const Op& op = program_.ops[i];
    const bool reads = op.kind == OpKind::attend && op.as<ops::AttendParams>().cache == number;
    for (Tensor out : op.out) {
      if (overlap(range(out), range(keys)) || overlap(range(out), range(values))) return nullptr;
    }
    if (!reads) continue;
    const Op* turn = turned_just_before(op);
    const bool alike = turn && key_turn ? turn->as<ops::RopeParams>().table == key_turn->as<ops::RopeParams>().table
                                        : !turn && !key_turn;
    return alike && rows(op.out[0]) == rows(keys) ? &op : nullptr;
  }
  return nullptr;
}

void Compiler::kv_write(const Op& op) {
  const int number = op.as<ops::KvParams>().cache;
  if (const Op* reader = writes_itself(op)) {
    kept_back_[reader] = &op;
    return;
  }
  const ops::CacheInfo& info = program_.caches[size_t(number)];
  const Cache& cache = segment_.caches[size_t(number)];
  check(info.head_dim <= kMostHead, "a head fits the shader");
  const Op* turn = turned_just_before(op);
  const Tensor key = turn ? turn->in[0] : op.in[0];
  struct {
    VkDeviceAddress step, keys, values, key_cache, value_cache;
    uint32_t heads, dim, rotation;
    int32_t group;
    VkDeviceAddress angles;
  } push{step_, at(key), at(op.in[1]), address_of(cache.keys), address_of(cache.values), uint32_t(info.kv_heads),
         uint32_t(info.head_dim), uint32_t(rotation(cache.format, info.head_dim)), info.group,
         turn ? compiled_.step->angles(turn->as<ops::RopeParams>().table) : 0};
  dispatch("kv_write", {cache_number(cache.format), turn != nullptr}, bytes_of(push), {push.heads, capacity(key), 2},
           {range(key), range(op.in[1])},
           {{push.key_cache, cache.keys->size()}, {push.value_cache, cache.values->size()}});
}

void Compiler::attend(const Op& op) {
  const auto& p = op.as<ops::AttendParams>();
  const ops::CacheInfo& info = program_.caches[size_t(p.cache)];
  const Cache& cache = segment_.caches[size_t(p.cache)];
  const uint32_t heads = uint32_t(p.heads), kv_heads = uint32_t(info.kv_heads), dim = uint32_t(info.head_dim);
  check(info.head_dim <= kMostHead, "a head fits the shader");
  const Op* turn = turned_just_before(op);
  const Tensor query = turn ? turn->in[0] : op.in[0], out = op.out[0];
  Attention push{.step = step_, .q = at(query), .to = at(out), .keys = address_of(cache.keys),
                 .values = address_of(cache.values),
                 .rotation = uint32_t(rotation(cache.format, info.head_dim)), .scale = p.scale, .softcap = p.softcap,
                 .window = p.window, .group = info.group, .rows = rows(out)};
  if (turn) push.angles = compiled_.step->angles(turn->as<ops::RopeParams>().table);
  std::vector<Range> reads{range(query), {push.keys, cache.keys->size()}, {push.values, cache.values->size()}};
  std::vector<Range> writes{range(out)};
  AttentionMore more{};
  const auto kept_back = kept_back_.find(&op);
  const bool writes_new = kept_back != kept_back_.end();
  if (writes_new) {
    const Op& write = *kept_back->second;
    const Op* key_turn = turned_just_before(write);
    const Range new_keys = range(key_turn ? key_turn->in[0] : write.in[0]), new_values = range(write.in[1]);
    more.new_keys = new_keys.begin;
    more.new_values = new_values.begin;
    writes.insert(writes.end(), reads.begin() + 1, reads.end());  // the cache
    reads.insert(reads.end(), {new_keys, new_values});
  }
  const Rounding as = dim % 32 == 0 ? wanted_rounding(out) : Rounding::none;
  const auto [together, classes] = halves_constants(as);
  if (as != Rounding::none) {
    const Rounded& result = place_rounded(out.id, as, columns(out), capacity(out));
    more.to_numbers = result.numbers.begin;
    more.to_scales = result.scales.begin;
    writes.insert(writes.end(), {result.numbers, result.scales});
  }
  if (as != Rounding::none || writes_new) push.more = tell(std::as_bytes(std::span(&more, 1)));
  const uint32_t wanted = workgroups_wanted(context_->caps().kind);
  const bool may_be_on_unit = options_.halves && has_halves() && cache.format != Format::f32;
  const uint32_t rows_on_unit = may_be_on_unit ? unit_rows(context_->caps(), dim, capacity(out) * heads / kv_heads) : 0;
  const bool on_unit = rows_on_unit > 0;
  const Tile tile = tile_of(heads, kv_heads, capacity(out), on_unit ? rows_on_unit : most_rows(dim), on_unit ? wanted / 4 : wanted);
  const uint64_t context = uint64_t(segment_.inputs->pages_per_sequence) * ops::kPageTokens;
  const uint64_t longest = p.window > 0 ? std::min(context, uint64_t(p.window)) : context;
  push.slots = pieces(uint32_t(context), kStretch);
  uint32_t sharing = std::clamp(wanted / (tile.across * tile.down), 1u, tile.rows() * pieces(uint32_t(longest), kStretch));
  const size_t all_rows = size_t(capacity(out)) * heads, state_bytes = all_rows * push.slots * ((dim + 7) / 4 * 16);
  if (state_bytes > kMostStateBytes) sharing = 1;
  if (sharing > 1) {
    const Range states = scratch(Scratch::states, state_bytes), tickets = scratch(Scratch::tickets, all_rows * 4);
    push.states = states.begin;
    push.tickets = tickets.begin;
    compiled_.tickets.insert(scratch_.get(Scratch::tickets, 0));
    writes.insert(writes.end(), {states, tickets});
  }
  const uint32_t lanes = on_unit ? kUnitLanes : lanes_of(dim) * (writes_new ? kSidesOfNew : 1);
  std::vector<uint32_t> constants{cache_number(cache.format), as != Rounding::none, turn != nullptr, on_unit ? rows_on_unit : tile.rows(),
                                  dim, lanes, sharing > 1, together, classes, heads, kv_heads, tile.heads};
  DispatchMore how{.can_wait = writes_new && !on_unit};
  if (on_unit) {
    const auto& [shape, layout, subgroup] = *context_->lanes();
    constants.insert(constants.end(), {shape.m, shape.n, shape.k, layout, lanes / subgroup, writes_new});
    how.subgroup_size = subgroup;
  }
  dispatch(on_unit ? "attend_half" : writes_new ? "attend_new" : "attend", std::move(constants), bytes_of(push),
           {sharing, tile.across, tile.down}, std::move(reads), std::move(writes), how);
}

void Compiler::attend_spans(const Op& op) {
  const auto& p = op.as<ops::SpanParams>();
  const Tensor out = op.out[0];
  const uint32_t heads = uint32_t(p.heads), kv_heads = uint32_t(p.kv_heads), dim = columns(out) / heads;
  check(dim <= kMostHead, "a head fits the shader");
  const Tile tile = tile_of(heads, kv_heads, capacity(out), most_rows(dim), workgroups_wanted(context_->caps().kind));
  const Attention push{.step = step_, .q = at(op.in[0]), .to = at(out), .keys = at(op.in[1]), .values = at(op.in[2]),
                       .scale = p.scale, .group = int32_t(p.kind), .rows = rows(out)};
  dispatch("attend", {kRowsKind, false, false, tile.rows(), dim, lanes_of(dim), false, 0, 1, heads, kv_heads, tile.heads}, bytes_of(push),
           {1, tile.across, tile.down}, {range(op.in[0]), range(op.in[1]), range(op.in[2])}, {range(out)});
}

}  // namespace troika::device::vulkan
