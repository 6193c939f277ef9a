// Between Troika and what drives an NPU's array: plain structs and C functions, so that a plug-in may be built by another
// compiler and against libraries that Troika itself never links. Exceptions do not cross it.
//
//   open ── load ──┬── allocate, import_host, import_fd ── sync
//                  └── prepare ── start ── wait
//
// One thread at a time for all of one array. Whatever came from a context is freed before it, contexts before their array.
#pragma once

#include <cstdint>

namespace troika::npu::abi {

constexpr uint32_t kVersion = 1;  // one more with each change below
constexpr const char* kEntry = "troika_npu_plugin";

enum class Result : int32_t {
  done,
  timed_out,  // a run goes on; nobody knows how long
  aborted,    // a run was ended by the driver
  lost,       // the array does not answer any more
  refused,    // nothing happened
};

// Why something did not go well: one sentence without a full stop. Texts end with a 0; Troika reads none beyond its field.
struct Why {
  int32_t code;  // an errno, 0 where there is none
  char text[500];
};

// What an array says of itself; empty or 0 where it does not.
struct Facts {
  int32_t is_simulated;  // no NPU computes
  char device[64];
  char runtime[64];      // the library that drives it, with its version
  char report[4096];     // all that the library tells, as JSON
};

// What configures an array; only load() reads it.
struct Overlay {
  const char* design;  // its name, "gemm_w8a8"
  const void* xclbin;  // null for what is simulated
  uint64_t xclbin_bytes;
  const char* kernel;  // by which the xclbin has it
};

enum class Direction : int32_t { to_device, from_device };

struct Array;    // the NPU, opened
struct Context;  // configured by an overlay
struct Buffer;   // memory that host and array share; neither sees what the other writes before a sync
struct Stream;   // instruction words; runs once at a time

// Functions that return a pointer return null, and others Result::refused, where they say why.
struct Plugin {
  uint32_t version;

  int32_t (*count)(Why* why);  // of arrays that are here; negative: it cannot tell
  Array* (*open)(Why* why);    // the first one
  void (*close)(Array* array);
  void (*facts)(Array* array, Facts* facts);

  Context* (*load)(Array* array, const Overlay* overlay, Why* why);
  void (*unload)(Context* context);

  // For an argument of the kernel, counted from its first buffer.
  Buffer* (*allocate)(Context* context, int32_t argument, uint64_t bytes, Why* why);
  // Memory of the caller's, of whole pages, which stays until the buffer is freed.
  Buffer* (*import_host)(Context* context, int32_t argument, void* data, uint64_t bytes, Why* why);
  // A dma-buf; the caller keeps its descriptor.
  Buffer* (*import_fd)(Context* context, int32_t fd, uint64_t bytes, Why* why);
  int32_t (*export_fd)(Buffer* buffer, Why* why);  // a dma-buf, which the caller closes; negative: refused
  void* (*host)(Buffer* buffer);                   // as the host sees it
  Result (*sync)(Buffer* buffer, Direction direction, uint64_t offset, uint64_t bytes, Why* why);
  void (*free)(Buffer* buffer);

  Stream* (*prepare)(Context* context, const uint32_t* words, uint64_t count, Why* why);
  Result (*start)(Stream* stream, Buffer* const* arguments, int32_t count, Why* why);
  Result (*wait)(Stream* stream, uint32_t most_ms, Why* why);
  void (*drop)(Stream* stream);  // also one that runs
};

// What a plug-in exports by the name kEntry. The table lives as long as the library.
using Entry = const Plugin*();

}  // namespace troika::npu::abi
