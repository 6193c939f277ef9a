// A small design for tests: words go from argument 0 through a memory tile to argument 1.
#pragma once

#include <numeric>

#include "npu/design/spec.h"
#include "npu/sim/host_buffer.h"
#include "npu/txn/shim.h"

namespace troika::npu::sim {

constexpr Port kPassIn{{0, 0}, Direction::mm2s, 0}, kPassOut{{0, 0}, Direction::s2mm, 0};
constexpr uint32_t kPassWords = 256;  // of each of its two buffers

inline DesignSpec pass_design() {
  constexpr Tile kMemory{0, 1};
  constexpr Port kFill{kMemory, Direction::s2mm, 0}, kEmpty{kMemory, Direction::mm2s, 0};
  DesignSpec d;
  d.name = "pass";
  d.buffers = {{"ping", kMemory, 0, 4 * kPassWords}, {"pong", kMemory, 4 * kPassWords, 4 * kPassWords}};
  d.locks = {{"free", kMemory, 0, 2}, {"full", kMemory, 1, 0}};
  auto channel = [](Port port, int first, int acquire, int release) {
    return ChannelSpec{port, {{first, 0, 0, kPassWords, {}, LockUse{acquire}, LockUse{release}, first + 1},
                              {first + 1, 1, 0, kPassWords, {}, LockUse{acquire}, LockUse{release}, first}}};
  };
  d.channels = {channel(kFill, 0, 0, 1), channel(kEmpty, 2, 1, 0)};
  d.flows = {{kPassIn, {kFill}}, {kEmpty, {kPassOut}}};
  d.shims = {{"in", kPassIn, 0}, {"out", kPassOut, 1}};
  return d;
}

// One transfer each way, then a wait for what comes out.
inline std::vector<txn::Operation> pass_operations(txn::Transfer in, txn::Transfer out) {
  in.port = kPassIn;
  in.argument = 0;
  out.port = kPassOut;
  out.descriptor = 1;
  out.argument = 1;
  out.token = true;
  std::vector<txn::Operation> operations;
  txn::start(operations, out);
  txn::start(operations, in);
  operations.push_back(txn::TokenWait{kPassOut});
  return operations;
}

inline std::vector<uint32_t> pass_stream(const txn::Transfer& in, const txn::Transfer& out) {
  return txn::encode(pass_operations(in, out));
}

class PassBuffers {
 public:
  explicit PassBuffers(size_t words) : in_(4 * words), out_(4 * words) {
    std::iota(input_view().begin(), input_view().end(), 1000);
    in_.to_device(0, in_.size());
  }
  std::vector<HostBuffer*> arguments() { return {&in_, &out_}; }
  HostBuffer& in() { return in_; }
  std::vector<uint32_t> input() { return {input_view().begin(), input_view().end()}; }
  std::vector<uint32_t> output() {
    out_.from_device(0, out_.size());
    auto* words = reinterpret_cast<const uint32_t*>(out_.host().data());
    return {words, words + out_.size() / 4};
  }

 private:
  std::span<uint32_t> input_view() { return {reinterpret_cast<uint32_t*>(in_.host().data()), in_.size() / 4}; }

  HostBuffer in_, out_;
};

}  // namespace troika::npu::sim
