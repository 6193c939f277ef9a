// The array that products run on, whoever drives it: a plug-in (npu/plugin/abi.h) or the simulator behind the same functions.
// A handle keeps alive what it came from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/error.h"
#include "npu/plugin/abi.h"

namespace troika::npu {

// After any result but `refused` the array is not to be used again.
class ArrayError : public Error {
 public:
  ArrayError(abi::Result result, int code, const std::string& sentence) : Error(sentence), result(result), code(code) {}
  const abi::Result result;
  const int code;  // an errno, or 0
};

// Memory that host and array share; neither sees what the other writes before it is synchronised.
class ArrayBuffer {
 public:
  std::span<std::byte> host() const { return host_; }
  size_t size() const { return host_.size(); }
  void to_device(size_t offset, size_t bytes) const;
  void from_device(size_t offset, size_t bytes) const;
  int export_fd() const;  // a dma-buf, which the caller closes

 private:
  friend class ArrayContext;
  friend class ArrayStream;
  ArrayBuffer(const abi::Plugin& plugin, std::shared_ptr<abi::Buffer> handle, size_t bytes);
  void sync(abi::Direction direction, size_t offset, size_t bytes) const;

  const abi::Plugin* plugin_;
  std::shared_ptr<abi::Buffer> handle_;
  std::span<std::byte> host_;
};

// Instruction words, one run of them at a time.
class ArrayStream {
 public:
  void start(std::span<const ArrayBuffer* const> arguments);
  void wait();

 private:
  friend class ArrayContext;
  ArrayStream(const abi::Plugin& plugin, std::shared_ptr<abi::Stream> handle)
      : plugin_(&plugin), handle_(std::move(handle)) {}

  const abi::Plugin* plugin_;
  std::shared_ptr<abi::Stream> handle_;
};

// An array configured by an overlay.
class ArrayContext {
 public:
  ArrayBuffer allocate(int argument, size_t bytes) const;
  ArrayBuffer import_host(int argument, std::span<std::byte> pages) const;  // whole pages, which outlive the buffer
  ArrayBuffer import_fd(int fd, size_t bytes) const;                        // a dma-buf
  ArrayStream prepare(std::span<const uint32_t> words) const;

 private:
  friend class Array;
  ArrayContext(const abi::Plugin& plugin, std::shared_ptr<abi::Context> handle)
      : plugin_(&plugin), handle_(std::move(handle)) {}
  std::shared_ptr<abi::Buffer> owned(abi::Buffer* buffer, const abi::Why& why) const;

  const abi::Plugin* plugin_;
  std::shared_ptr<abi::Context> handle_;
};

// All of these throw ArrayError.
class Array {
 public:
  explicit Array(const abi::Plugin& plugin);
  abi::Facts facts() const;
  ArrayContext load(const abi::Overlay& overlay) const;

 private:
  const abi::Plugin* plugin_;
  std::shared_ptr<abi::Array> handle_;
};

}  // namespace troika::npu
