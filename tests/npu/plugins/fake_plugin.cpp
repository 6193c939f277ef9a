// A plug-in as a real one would be, with the simulator for its NPU, and one fault that TROIKA_FAKE_NPU names:
//
//   other_version, no_table, no_function, absent, denied, locked_memory, no_host_pages, no_export, endless_texts
//   no_room@N, unsynchronised@N, silent@N, wrong_bit@N, busy@N, timed_out@N, aborted@N, lost@N
//                                                                            from the N-th time on that it could
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "npu/plugin/border.h"
#include "npu/runtime/simulated.h"

namespace troika::npu::abi {
namespace {

const Plugin& simulator() { return npu::simulated_plugin(); }

struct Fault {
  std::string name;
  int good_times = 0;
} fault;

void choose_fault() {
  const char* text = std::getenv("TROIKA_FAKE_NPU");
  const std::string wanted = text ? text : "";
  const size_t at = wanted.find('@');
  fault = {wanted.substr(0, at), at == std::string::npos ? 0 : std::atoi(&wanted[at + 1]) - 1};
}

bool strikes(std::string_view name) { return fault.name == name && fault.good_times-- <= 0; }

template <typename T>
T refuse(Why* why, int32_t code, std::string_view text, T result) {
  say(why, code, text);
  return result;
}

int32_t count(Why*) {
  choose_fault();
  return strikes("absent") ? 0 : 1;
}

Array* open(Why* why) {
  if (strikes("denied")) return refuse<Array*>(why, EACCES, "opening /dev/accel/accel0: Permission denied", nullptr);
  if (strikes("locked_memory"))
    return refuse<Array*>(why, EAGAIN, "mapping the heap: Resource temporarily unavailable", nullptr);
  return simulator().open(why);
}

void tell(Array*, Facts* facts) {
  if (strikes("endless_texts")) return void(std::memset(facts, 'x', sizeof(*facts)));
  put(facts->device, "NPU of a test");
  put(facts->runtime, "fake plug-in");
  put(facts->report, R"({"power_mode": "default"})");
}

Buffer* allocate(Context* context, int32_t argument, uint64_t bytes, Why* why) {
  if (strikes("no_room")) return refuse<Buffer*>(why, ENOMEM, "allocating a buffer: Cannot allocate memory", nullptr);
  return simulator().allocate(context, argument, bytes, why);
}

Buffer* import_host(Context* context, int32_t argument, void* data, uint64_t bytes, Why* why) {
  if (strikes("endless_texts")) return std::memset(why, 'x', sizeof(*why)), nullptr;
  if (strikes("no_host_pages")) return refuse<Buffer*>(why, EOPNOTSUPP, "creating a buffer of user pages failed", nullptr);
  return simulator().import_host(context, argument, data, bytes, why);
}

int32_t export_fd(Buffer* buffer, Why* why) {
  if (strikes("no_export")) return refuse(why, EOPNOTSUPP, "exporting a buffer failed", -1);
  return simulator().export_fd(buffer, why);
}

Result sync(Buffer* buffer, Direction direction, uint64_t offset, uint64_t bytes, Why* why) {
  const bool to_device = direction == Direction::to_device;
  if (to_device && strikes("unsynchronised")) return Result::done;
  if (to_device && strikes("silent")) return refuse(why, EIO, "nothing was written", Result::lost);
  Result result = simulator().sync(buffer, direction, offset, bytes, why);
  if (!to_device && strikes("wrong_bit")) static_cast<uint8_t*>(simulator().host(buffer))[offset] ^= 1;
  return result;
}

Result start(Stream* stream, Buffer* const* arguments, int32_t count, Why* why) {
  if (strikes("busy")) return refuse(why, EBUSY, "no room in the queue", Result::refused);
  if (strikes("lost")) return refuse(why, ENODEV, "No such device", Result::lost);
  return simulator().start(stream, arguments, count, why);
}

Result wait(Stream* stream, uint32_t most_ms, Why* why) {
  if (strikes("timed_out")) return Result::timed_out;
  if (strikes("aborted")) return refuse(why, 0, "the command was aborted", Result::aborted);
  return simulator().wait(stream, most_ms, why);
}

}  // namespace
}  // namespace troika::npu::abi

extern "C" __attribute__((visibility("default"))) const troika::npu::abi::Plugin* troika_npu_plugin() {
  using namespace troika::npu::abi;
  choose_fault();
  if (strikes("no_table")) return nullptr;
  static Plugin plugin;
  plugin = troika::npu::simulated_plugin();
  plugin.version = strikes("other_version") ? kVersion + 1 : kVersion;
  plugin.count = count;
  plugin.open = open;
  plugin.facts = tell;
  plugin.allocate = allocate;
  plugin.import_host = import_host;
  plugin.export_fd = strikes("no_function") ? nullptr : export_fd;
  plugin.sync = sync;
  plugin.start = start;
  plugin.wait = wait;
  return &plugin;
}
