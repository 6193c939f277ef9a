// The plug-in that drives a real NPU, by XRT: an xclbin configures a context, its kernel is given an opcode, instruction words,
// their number and buffers. Sources: XRT's headers; mlir-aie's host code for the kernel's arguments.
#include <xrt/experimental/xrt_system.h>
#include <xrt/experimental/xrt_xclbin.h>
#include <xrt/xrt_bo.h>
#include <xrt/xrt_device.h>
#include <xrt/xrt_hw_context.h>
#include <xrt/xrt_kernel.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "npu/plugin/abi.h"
#include "npu/plugin/border.h"

namespace troika::npu::abi {

struct Array {
  xrt::device device;
};

struct Context {
  xrt::device device;
  xrt::hw_context context;
  xrt::kernel kernel;
};

struct Buffer {
  xrt::bo memory;
};

struct Stream {
  xrt::bo words;
  xrt::run run;
  bool is_running = false;
};

namespace {

enum Argument : int { kOpcode, kWords, kWordCount, kFirstBuffer };  // of the kernel
constexpr unsigned kRunWords = 3;  // the opcode that carries out instruction words

bool is_npu(const xrt::device& device) {
  std::ifstream id("/sys/bus/pci/devices/" + device.get_info<xrt::info::device::bdf>() + "/device");
  std::string number;
  return id >> number && number == "0x1502";
}

Array* open(Why* why) {
  return guarded(why, static_cast<Array*>(nullptr), [] {
    const unsigned count = xrt::system::enumerate_devices();
    for (unsigned i = 0; i < count; ++i)
      if (xrt::device device(i); is_npu(device)) return new Array{device};
    throw std::runtime_error("none of the " + std::to_string(count) + " devices that XRT finds is an NPU 1022:1502");
  });
}

void tell(Array* array, Facts* facts) {
  const xrt::device& device = array->device;
  put(facts->runtime, std::string("XRT ") + xrt_build_version);
  Why ignored{};  // what the driver does not tell stays empty
  guarded(&ignored, 0, [&] { return put(facts->device, device.get_info<xrt::info::device::name>()), 0; });
  guarded(&ignored, 0, [&] { return put(facts->report, device.get_info<xrt::info::device::platform>()), 0; });
}

xrt::xclbin read(const Overlay& overlay) {
  const xrt::xclbin xclbin(std::string_view(static_cast<const char*>(overlay.xclbin), overlay.xclbin_bytes));
  std::string names;
  for (const xrt::xclbin::kernel& kernel : xclbin.get_kernels()) {
    if (kernel.get_name() == overlay.kernel) return xclbin;
    names += " " + kernel.get_name();
  }
  throw std::runtime_error(std::string("the xclbin of ") + overlay.design + " has no kernel " + overlay.kernel +
                           "; it has:" + names);
}

Context* load(Array* array, const Overlay* overlay, Why* why) {
  return guarded(why, static_cast<Context*>(nullptr), [&] {
    const xrt::xclbin xclbin = read(*overlay);
    if (!array) throw std::runtime_error("no NPU was opened");
    array->device.register_xclbin(xclbin);
    xrt::hw_context context(array->device, xclbin.get_uuid());
    return new Context{array->device, context, xrt::kernel(context, overlay->kernel)};
  });
}

template <typename... Arguments>
Buffer* new_buffer(Why* why, const Context* context, Arguments... arguments) {
  return guarded(why, static_cast<Buffer*>(nullptr), [&] { return new Buffer{xrt::bo(context->device, arguments...)}; });
}

Buffer* allocate(Context* context, int32_t argument, uint64_t bytes, Why* why) {
  return new_buffer(why, context, bytes, xrt::bo::flags::host_only, context->kernel.group_id(kFirstBuffer + argument));
}

Buffer* import_host(Context* context, int32_t argument, void* data, uint64_t bytes, Why* why) {
  return new_buffer(why, context, data, bytes, xrt::bo::flags::host_only, context->kernel.group_id(kFirstBuffer + argument));
}

Buffer* import_fd(Context* context, int32_t fd, uint64_t, Why* why) {
  return new_buffer(why, context, xrt::bo::export_handle(fd));
}

int32_t export_fd(Buffer* buffer, Why* why) {
  return guarded(why, -1, [&] { return buffer->memory.export_buffer(); });
}

void* host(Buffer* buffer) {
  Why ignored{};
  return guarded(&ignored, static_cast<void*>(nullptr), [&] { return buffer->memory.map(); });
}

Result sync(Buffer* buffer, Direction direction, uint64_t offset, uint64_t bytes, Why* why) {
  return guarded(why, Result::lost, [&] {
    const bool to_device = direction == Direction::to_device;
    buffer->memory.sync(to_device ? XCL_BO_SYNC_BO_TO_DEVICE : XCL_BO_SYNC_BO_FROM_DEVICE, bytes, offset);
    return Result::done;
  });
}

Stream* prepare(Context* context, const uint32_t* words, uint64_t count, Why* why) {
  return guarded(why, static_cast<Stream*>(nullptr), [&] {
    const size_t bytes = count * sizeof(uint32_t);
    xrt::bo memory(context->device, bytes, xrt::bo::flags::cacheable, context->kernel.group_id(kWords));
    std::memcpy(memory.map(), words, bytes);
    memory.sync(XCL_BO_SYNC_BO_TO_DEVICE);
    xrt::run run(context->kernel);
    run.set_arg(kOpcode, kRunWords);
    run.set_arg(kWords, memory);
    run.set_arg(kWordCount, uint32_t(count));
    return new Stream{memory, run};
  });
}

// Nothing began, and later it may.
bool is_shortage(int32_t error) { return error == ENOMEM || error == ENOSPC || error == EAGAIN || error == EBUSY; }

Result start(Stream* stream, Buffer* const* arguments, int32_t count, Why* why) {
  const Result result = guarded(why, Result::lost, [&] {
    for (int32_t i = 0; i < count; ++i) stream->run.set_arg(kFirstBuffer + i, arguments[i]->memory);
    stream->run.start();
    stream->is_running = true;
    return Result::done;
  });
  return result == Result::lost && is_shortage(std::abs(why->code)) ? Result::refused : result;
}

Result wait(Stream* stream, uint32_t most_ms, Why* why) {
  return guarded(why, Result::lost, [&] {
    try {
      const bool in_time = stream->run.wait2(std::chrono::milliseconds(most_ms)) == std::cv_status::no_timeout;
      stream->is_running = !in_time;
      return in_time ? Result::done : Result::timed_out;
    } catch (const xrt::run::command_error& error) {
      stream->is_running = false;
      say(why, 0, error.what());
      return Result::aborted;
    }
  });
}

void drop(Stream* stream) {
  Why ignored{};
  if (stream->is_running) guarded(&ignored, 0, [&] { return stream->run.abort(), 0; });
  delete stream;
}

}  // namespace
}  // namespace troika::npu::abi

extern "C" __attribute__((visibility("default"))) const troika::npu::abi::Plugin* troika_npu_plugin() {
  using namespace troika::npu::abi;
  static constexpr Plugin plugin{
      .version = kVersion,
      .count =
          [](Why* why) { return guarded(why, -1, [] { return int32_t(xrt::system::enumerate_devices()); }); },
      .open = open,
      .close = [](Array* array) { delete array; },
      .facts = tell,
      .load = load,
      .unload = [](Context* context) { delete context; },
      .allocate = allocate,
      .import_host = import_host,
      .import_fd = import_fd,
      .export_fd = export_fd,
      .host = host,
      .sync = sync,
      .free = [](Buffer* buffer) { delete buffer; },
      .prepare = prepare,
      .start = start,
      .wait = wait,
      .drop = drop,
  };
  return &plugin;
}
