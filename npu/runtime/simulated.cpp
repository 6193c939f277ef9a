#include "npu/runtime/simulated.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "npu/design/gemm_design.h"
#include "npu/plugin/border.h"
#include "npu/sim/simulator.h"

namespace troika::npu {
namespace {

// Memory that has a descriptor, as a dma-buf.
class SharedMemory {
 public:
  SharedMemory(int fd, size_t bytes) : fd_(fd), bytes_(bytes) {
    struct stat file {};
    if (fd_ < 0 || fstat(fd_, &file) != 0 || size_t(file.st_size) < bytes) fail("no memory of {} bytes to share", bytes);
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (data_ == MAP_FAILED) fail("cannot map {} bytes of shared memory", bytes);
  }
  ~SharedMemory() {
    munmap(data_, bytes_);
    close(fd_);
  }
  SharedMemory(const SharedMemory&) = delete;
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(data_), bytes_}; }
  int fd() const { return fd_; }

 private:
  int fd_;
  size_t bytes_;
  void* data_;
};

int new_memory(size_t bytes) {
  int fd = memfd_create("troika-npu", MFD_CLOEXEC);
  if (fd >= 0 && ftruncate(fd, off_t(bytes)) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

struct abi::Array {};

struct abi::Context {
  explicit Context(const GemmTile& tile) : simulator(make_gemm_design(tile).spec) {}
  sim::Simulator simulator;
};

struct abi::Buffer {
  Buffer(int fd, size_t bytes) : memory(std::in_place, fd, bytes), shared(memory->bytes()) {}
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

template <typename... Arguments>
abi::Buffer* new_buffer(Why* why, Arguments... arguments) {
  return guarded(why, static_cast<abi::Buffer*>(nullptr), [&] { return new abi::Buffer(arguments...); });
}

abi::Result sync(abi::Buffer* buffer, abi::Direction direction, uint64_t offset, uint64_t bytes, Why*) {
  if (direction == abi::Direction::to_device) buffer->shared.to_device(offset, bytes);
  else buffer->shared.from_device(offset, bytes);
  return abi::Result::done;
}

int32_t export_fd(abi::Buffer* buffer, Why* why) {
  if (buffer->memory) return dup(buffer->memory->fd());
  abi::say(why, EOPNOTSUPP, "memory of the caller's is not exported");
  return -1;
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
      .allocate = [](abi::Context*, int32_t, uint64_t bytes, Why* why) { return new_buffer(why, new_memory(bytes), bytes); },
      .import_host =
          [](abi::Context*, int32_t, void* data, uint64_t bytes, Why* why) {
            return new_buffer(why, std::span(static_cast<std::byte*>(data), bytes));
          },
      .import_fd = [](abi::Context*, int32_t fd, uint64_t bytes, Why* why) { return new_buffer(why, dup(fd), bytes); },
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
