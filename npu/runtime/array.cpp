#include "npu/runtime/array.h"

#include <algorithm>
#include <array>

#include "npu/design/hardware.h"
#include "npu/plugin/border.h"

namespace troika::npu {
namespace {

using abi::Result;
using abi::Why;

// The driver ends what takes more than 2 s, and tells; who waits longer than that is told in most cases.
constexpr uint32_t kMostMs = 5000;

std::string sentence(Result result, const Why& why) {
  const std::string_view said = abi::text_of(why.text), text = said.empty() ? "the plug-in does not say why" : said;
  switch (result) {
    case Result::timed_out: return fmt::format("the NPU did not finish a run within {} s", kMostMs / 1000);
    case Result::aborted: return fmt::format("the NPU's driver ended a run: {}", text);
    case Result::lost: return fmt::format("the NPU does not answer: {}", text);
    case Result::done:
    case Result::refused: break;
  }
  return std::string(text);
}

void require(Result result, const Why& why) {
  if (result != Result::done) throw ArrayError(result, why.code, sentence(result, why));
}

// A handle that is freed before `from`.
template <typename T, typename From>
std::shared_ptr<T> handle(T* made, void (*free)(T*), std::shared_ptr<From> from, const Why& why) {
  if (!made) require(Result::refused, why);
  return std::shared_ptr<T>(made, [free, from = std::move(from)](T* t) { free(t); });
}

}  // namespace

Array::Array(const abi::Plugin& plugin) : plugin_(&plugin) {
  Why why{};
  handle_ = handle(plugin.open(&why), plugin.close, std::shared_ptr<void>(), why);
}

abi::Facts Array::facts() const {
  abi::Facts facts{};
  plugin_->facts(handle_.get(), &facts);
  abi::end(facts.device), abi::end(facts.runtime), abi::end(facts.report);
  return facts;
}

ArrayContext Array::load(const abi::Overlay& overlay) const {
  Why why{};
  return {*plugin_, handle(plugin_->load(handle_.get(), &overlay, &why), plugin_->unload, handle_, why)};
}

std::shared_ptr<abi::Buffer> ArrayContext::owned(abi::Buffer* buffer, const Why& why) const {
  return handle(buffer, plugin_->free, handle_, why);
}

ArrayBuffer ArrayContext::allocate(int argument, size_t bytes) const {
  Why why{};
  return {*plugin_, owned(plugin_->allocate(handle_.get(), argument, bytes, &why), why), bytes};
}

ArrayBuffer ArrayContext::import_host(int argument, std::span<std::byte> pages) const {
  Why why{};
  return {*plugin_, owned(plugin_->import_host(handle_.get(), argument, pages.data(), pages.size(), &why), why), pages.size()};
}

ArrayBuffer ArrayContext::import_fd(int fd, size_t bytes) const {
  Why why{};
  return {*plugin_, owned(plugin_->import_fd(handle_.get(), fd, bytes, &why), why), bytes};
}

ArrayStream ArrayContext::prepare(std::span<const uint32_t> words) const {
  Why why{};
  return {*plugin_, handle(plugin_->prepare(handle_.get(), words.data(), words.size(), &why), plugin_->drop, handle_, why)};
}

ArrayBuffer::ArrayBuffer(const abi::Plugin& plugin, std::shared_ptr<abi::Buffer> handle, size_t bytes)
    : plugin_(&plugin), handle_(std::move(handle)), host_(static_cast<std::byte*>(plugin.host(handle_.get())), bytes) {
  if (!host_.data()) throw ArrayError(Result::refused, 0, fmt::format("a buffer of {} bytes cannot be mapped", bytes));
}

void ArrayBuffer::to_device(size_t offset, size_t bytes) const { sync(abi::Direction::to_device, offset, bytes); }

void ArrayBuffer::from_device(size_t offset, size_t bytes) const { sync(abi::Direction::from_device, offset, bytes); }

void ArrayBuffer::sync(abi::Direction direction, size_t offset, size_t bytes) const {
  check(offset + bytes <= size(), "range of a buffer");
  Why why{};
  require(plugin_->sync(handle_.get(), direction, offset, bytes, &why), why);
}

int ArrayBuffer::export_fd() const {
  Why why{};
  int fd = plugin_->export_fd(handle_.get(), &why);
  if (fd < 0) require(Result::refused, why);
  return fd;
}

void ArrayStream::start(std::span<const ArrayBuffer* const> arguments) {
  check(arguments.size() <= size_t(kArguments), "arguments of a run");
  std::array<abi::Buffer*, kArguments> handles;
  std::ranges::transform(arguments, handles.begin(), [](const ArrayBuffer* buffer) { return buffer->handle_.get(); });
  Why why{};
  require(plugin_->start(handle_.get(), handles.data(), int32_t(arguments.size()), &why), why);
}

void ArrayStream::wait() {
  Why why{};
  require(plugin_->wait(handle_.get(), kMostMs, &why), why);
}

}  // namespace troika::npu
