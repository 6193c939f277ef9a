// Rotary embedding, the cache, attention.
#include <algorithm>

#include "device/vulkan/compiler.h"
#include "tensor/rotation.h"

namespace troika::device::vulkan {
namespace {

constexpr int kMostHead = 512;     // of shaders/lib/rotate.glsl
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

// As shaders/attend.comp has it.
struct Attention {
  VkDeviceAddress step, q, to, keys, values, numbers, scales;
  uint32_t heads, kv_heads, dim, rotation;
  float scale, softcap;
  int32_t window, group, rows;
};

}  // namespace

void Compiler::rope(const Op& op) {
  const auto& p = op.as<ops::RopeParams>();
  const uint32_t pairs = uint32_t(p.head_dim / 2), heads = uint32_t(p.heads);
  struct {
    VkDeviceAddress step, x, angles, to;
    uint32_t heads, pairs;
  } push{step_, at(op.in[0]), compiled_.step->angles(p.table), at(op.out[0]), heads, pairs};
  dispatch("rope", {}, bytes_of(push), {pieces(heads * pairs, 64), capacity(op.out[0]), 1}, {range(op.in[0])},
           {range(op.out[0])});
}

// The rope op that makes the keys, if what it reads is still there.
const Op* Compiler::turned_just_before(const Op& write) const {
  const size_t number = size_t(&write - program_.ops.data());
  for (size_t i = number; i-- > segment_.begin && number - i <= 2;) {
    const Op& op = program_.ops[i];
    if (op.kind != OpKind::rope) return nullptr;
    if (op.out[0] != write.in[0]) continue;
    const Range source = range(op.in[0]);
    for (size_t between = i; between < number; ++between) {
      if (overlap(source, range(program_.ops[between].out[0]))) return nullptr;
    }
    return &op;
  }
  return nullptr;
}

void Compiler::kv_write(const Op& op) {
  const int number = op.as<ops::KvParams>().cache;
  const ops::CacheInfo& info = program_.caches[size_t(number)];
  const Cache& cache = segment_.caches[size_t(number)];
  check(info.head_dim <= kMostHead, "a head fits the shader");
  // Keys that are turned just before are turned here once more, so that nobody waits for it.
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
  check(info.head_dim <= kMostHead, "a head fits the shader");
  Attention push{step_, at(op.in[0]), at(op.out[0]), address_of(cache.keys), address_of(cache.values), 0, 0,
                 uint32_t(p.heads), uint32_t(info.kv_heads), uint32_t(info.head_dim),
                 uint32_t(rotation(cache.format, info.head_dim)), p.scale, p.softcap, p.window, info.group,
                 rows(op.out[0])};
  const Tensor out = op.out[0];
  std::vector<Range> writes{range(out)};
  const bool int8 = wants_int8(out) && info.head_dim % 32 == 0;
  if (int8) {
    const Quantised& quantised = place_quantised(out.id, columns(out), capacity(out));
    push.numbers = quantised.numbers.begin;
    push.scales = quantised.scales.begin;
    writes.insert(writes.end(), {quantised.numbers, quantised.scales});
  }
  const uint64_t context = uint64_t(segment_.inputs->pages_per_sequence) * ops::kPageTokens;
  const uint64_t longest = p.window > 0 ? std::min(context, uint64_t(p.window)) : context;
  dispatch("attend", {cache_number(cache.format), int8}, bytes_of(push), {push.heads, capacity(out), 1},
           {range(op.in[0]), {push.keys, cache.keys->size()}, {push.values, cache.values->size()}}, std::move(writes),
           uint64_t(columns(out)) * capacity(out) * 2 * longest);
}

void Compiler::attend_spans(const Op& op) {
  const auto& p = op.as<ops::SpanParams>();
  const uint32_t heads = uint32_t(p.heads), dim = columns(op.out[0]) / heads;
  check(dim <= kMostHead, "a head fits the shader");
  const Attention push{step_, at(op.in[0]), at(op.out[0]), at(op.in[1]), at(op.in[2]), 0, 0, heads,
                       uint32_t(p.kv_heads), dim, 0, p.scale, 0, 0, int32_t(p.kind), rows(op.out[0])};
  dispatch("attend", {kRowsKind, false}, bytes_of(push), {heads, capacity(op.out[0]), 1},
           {range(op.in[0]), range(op.in[1]), range(op.in[2])}, {range(op.out[0])},
           uint64_t(columns(op.out[0])) * capacity(op.out[0]) * 2 * capacity(op.in[1]));
}

}  // namespace troika::device::vulkan
