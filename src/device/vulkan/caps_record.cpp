#include "device/vulkan/caps_record.h"

#include <algorithm>
#include <concepts>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace troika::device::vulkan {
namespace {

using Json = nlohmann::ordered_json;

struct Kind {
  GpuKind kind;
  std::string_view name;
};
constexpr Kind kKinds[] = {{GpuKind::integrated, "integrated"},
                           {GpuKind::discrete, "discrete"},
                           {GpuKind::virtual_gpu, "virtual"},
                           {GpuKind::software, "software"},
                           {GpuKind::other, "other"}};

// Names and members, for writing and for reading.
template <typename C, typename Visit>
  requires std::same_as<std::remove_const_t<C>, Caps>
void visit_members(C& caps, const Visit& visit) {
  visit("name", caps.name);
  visit("driver", caps.driver);
  visit("vendor", caps.vendor);
  visit("device", caps.device);
  visit("api_version", caps.api_version);
  visit("uuid", caps.uuid);
  visit("kind", caps.kind);
  visit("buffer_addresses", caps.buffer_addresses);
  visit("storage8", caps.storage8);
  visit("storage16", caps.storage16);
  visit("int8", caps.int8);
  visit("int16", caps.int16);
  visit("int64", caps.int64);
  visit("scalar_layout", caps.scalar_layout);
  visit("subgroup_size_control", caps.subgroup_size_control);
  visit("fast_int8_dot", caps.fast_int8_dot);
  visit("subgroup_arithmetic", caps.subgroup_arithmetic);
  visit("int8_matrices", caps.int8_matrices);
  visit("half_matrices", caps.half_matrices);
  visit("subgroup_size", caps.subgroup_size);
  visit("least_subgroup_size", caps.least_subgroup_size);
  visit("most_subgroup_size", caps.most_subgroup_size);
  visit("shared_bytes", caps.shared_bytes);
  visit("push_bytes", caps.push_bytes);
  visit("workgroup_size", caps.workgroup_size);
  visit("most_allocation_bytes", caps.most_allocation_bytes);
  visit("memory", caps.memory);
}

template <typename Row, typename Visit>
  requires std::same_as<std::remove_const_t<Row>, MatrixShape>
void visit_members(Row& shape, const Visit& visit) {
  visit("m", shape.m);
  visit("n", shape.n);
  visit("k", shape.k);
}

template <typename Row, typename Visit>
  requires std::same_as<std::remove_const_t<Row>, MemoryType>
void visit_members(Row& type, const Visit& visit) {
  visit("device_local", type.device_local);
  visit("host_visible", type.host_visible);
  visit("host_coherent", type.host_coherent);
  visit("host_cached", type.host_cached);
  visit("heap_bytes", type.heap_bytes);
}

template <typename T>
Json written(const T& value) {
  return value;
}
Json written(GpuKind kind) {
  return std::ranges::find(kKinds, kind, &Kind::kind)->name;
}
template <typename Row>
Json written(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    visit_members(row, [&, object = &list.emplace_back(Json::object())](const char* name, const auto& value) {
      (*object)[name] = value;
    });
  }
  return list;
}

template <typename T>
void read(const Json& from, const char*, T& value) {
  from.get_to(value);
}
void read(const Json& from, const char* name, GpuKind& kind) {
  const auto found = std::ranges::find(kKinds, from.get<std::string>(), &Kind::name);
  if (found == std::end(kKinds)) fail("\"{}\": there is no {}", name, from.dump());
  kind = found->kind;
}
template <typename Row>
void read(const Json& from, const char*, std::vector<Row>& rows) {
  for (const Json& row : from) {
    visit_members(rows.emplace_back(), [&](const char* name, auto& value) { row.at(name).get_to(value); });
  }
}

}  // namespace

Json record_of(const Caps& caps) {
  Json record;
  visit_members(caps, [&](const char* name, const auto& value) { record[name] = written(value); });
  return record;
}

Caps caps_of(const Json& record) {
  Caps caps;
  try {
    visit_members(caps, [&](const char* name, auto& value) { read(record.at(name), name, value); });
  } catch (const Json::exception& e) {
    fail("a record of a GPU: {}", e.what());
  }
  return caps;
}

}  // namespace troika::device::vulkan
