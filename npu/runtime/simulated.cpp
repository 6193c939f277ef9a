#include "npu/runtime/simulated.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "npu/design/gemm_design.h"
#include "npu/plugin/border.h"
#include "npu/runtime/descriptor.h"
#include "npu/sim/simulator.h"

namespace troika::npu {
namespace {

// Memory that has a descriptor, as a dma-buf.
class SharedMemory {
 public:
  SharedMemory(Descriptor own, size_t bytes) : own_(std::move(own)), bytes_(bytes) {
    struct stat file {};
    if (fd() < 0 || fstat(fd(), &file) != 0 || size_t(file.st_size) < bytes) fail("no memory of {} bytes to share", bytes);
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
    if (data_ == MAP_FAILED) fail("cannot map {} bytes of shared memory", bytes);
  }
  ~SharedMemory() { munmap(data_, bytes_); }
  SharedMemory(const SharedMemory&) = delete;
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), bytes_}; }
  int fd() const { return own_.number(); }

 private:
  const Descriptor own_;
  size_t bytes_;
  void* data_;
};

Descriptor new_memory(size_t bytes) {
  Descriptor memory(memfd_create("troika-npu", MFD_CLOEXEC));
  if (memory.number() < 0 || ftruncate(memory.number(), off_t(bytes)) != 0) fail("no memory of {} bytes to share", bytes);
  return memory;
}

}  // namespace

struct abi::Array {};

struct abi::Context {
  explicit Context(const GemmTile& tile) : simulator(make_gemm_design(tile).spec) {}
  sim::Simulator simulator;
};

struct abi::Buffer {
  Buffer(Descriptor own, size_t bytes) : memory(std::in_place, std::move(own), bytes), shared(memory->bytes()) {}
  explicit Buffer(std::span<std::byte> host) : shared(host) {}
  std::optional<SharedMemory> memory;  // nothing: the caller's
  sim::HostBuffer shared;
};

struct abi::Stream {
  sim::Simulator& simulator;
  std::vector<uint32_t> words;
  std::vector<sim::HostBuffer*> arguments;  // of the run that was started
};

namespace {

using abi::guarded, abi::Why;

abi::Context* load(abi::Array*, const abi::Overlay* overlay, Why* why) {
  return guarded(why, static_cast<abi::Context*>(nullptr), [&] {
    for (const GemmTile& tile : kGemmTiles)
      if (make_gemm_design(tile).spec.name == overlay->design) return new abi::Context(tile);
    fail("there is no design {}", overlay->design);
  });
}

constexpr abi::Buffer* kNoBuffer = nullptr;

abi::Buffer* allocate(abi::Context*, int32_t, uint64_t bytes, Why* why) {
  return guarded(why, kNoBuffer, [&] { return new abi::Buffer(new_memory(bytes), bytes); });
}

abi::Buffer* import_host(abi::Context*, int32_t, void* data, uint64_t bytes, Why* why) {
  return guarded(why, kNoBuffer, [&] { return new abi::Buffer(std::span(static_cast<std::byte*>(data), bytes)); });
}

abi::Buffer* import_fd(abi::Context*, int32_t fd, uint64_t bytes, Why* why) {
  return guarded(why, kNoBuffer, [&] { return new abi::Buffer(Descriptor(dup(fd)), bytes); });
}

abi::Result sync(abi::Buffer* buffer, abi::Direction direction, uint64_t offset, uint64_t bytes, Why* why) {
  return guarded(why, abi::Result::lost, [&] {
    if (direction == abi::Direction::to_device) buffer->shared.to_device(offset, bytes);
    else buffer->shared.from_device(offset, bytes);
    return abi::Result::done;
  });
}

int32_t export_fd(abi::Buffer* buffer, Why* why) {
  if (!buffer->memory) {
    abi::say(why, EOPNOTSUPP, "memory of the caller's is not exported");
    return -1;
  }
  const int fd = dup(buffer->memory->fd());
  if (fd < 0) abi::say(why, errno, "no descriptor is left");
  return fd;
}

abi::Result start(abi::Stream* stream, abi::Buffer* const* arguments, int32_t count, Why*) {
  stream->arguments.clear();
  for (int32_t i = 0; i < count; ++i) stream->arguments.push_back(&arguments[i]->shared);
  return abi::Result::done;
}

abi::Result wait(abi::Stream* stream, uint32_t, Why* why) {
  return guarded(why, abi::Result::aborted, [&] {
    stream->simulator.run(stream->words, stream->arguments);
    return abi::Result::done;
  });
}

}  // namespace

const abi::Plugin& simulated_plugin() {
  static constexpr abi::Plugin plugin{
      .version = abi::kVersion,
      .count = [](Why*) { return 1; },
      .open = [](Why*) { return new abi::Array; },
      .close = [](abi::Array* array) { delete array; },
      .facts =
          [](abi::Array*, abi::Facts* facts) {
            facts->is_simulated = true;
            abi::put(facts->device, "NPU (XDNA1), simulated on the CPU");
            abi::put(facts->runtime, "simulator");
          },
      .load = load,
      .unload = [](abi::Context* context) { delete context; },
      .allocate = allocate,
      .import_host = import_host,
      .import_fd = import_fd,
      .export_fd = export_fd,
      .host = [](abi::Buffer* buffer) -> void* { return buffer->shared.host().data(); },
      .sync = sync,
      .free = [](abi::Buffer* buffer) { delete buffer; },
      .prepare =
          [](abi::Context* context, const uint32_t* words, uint64_t count, Why*) {
            return new abi::Stream{context->simulator, {words, words + count}, {}};
          },
      .start = start,
      .wait = wait,
      .drop = [](abi::Stream* stream) { delete stream; },
  };
  return plugin;
}

}  // namespace troika::npu
