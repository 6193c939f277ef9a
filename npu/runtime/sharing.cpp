#include "npu/runtime/sharing.h"

#include <sys/mman.h>

#include <cstdlib>

#include "npu/runtime/descriptor.h"
#include "npu/runtime/self_test.h"

namespace troika::npu {
namespace {

constexpr size_t kPage = 4096;

// "": `f` went well.
template <typename F>
std::string why_not(F f) {
  try {
    f();
    return "";
  } catch (const ArrayError& error) {
    if (error.result != abi::Result::refused) throw;
    return error.code ? fmt::format("{} (error {})", error.what(), error.code) : error.what();
  } catch (const Error& error) {
    return error.what();
  }
}

void try_host_pages(const GemmContext& context) {
  const size_t bytes = packed_x_bytes(context.design.tile, kKnownShape);
  const std::unique_ptr<void, decltype(&std::free)> pages(std::aligned_alloc(kPage, bytes), std::free);
  check(pages != nullptr, "memory for a test of sharing");
  KnownProduct known(context);
  known.product.x = context.array.import_host(kArgumentX, {static_cast<std::byte*>(pages.get()), bytes});
  known.run();
}

// Writes as one who has only the descriptor.
void try_export(const GemmContext& context) {
  KnownProduct known(context);
  const Descriptor exported(known.product.x.export_fd());
  const size_t bytes = known.product.x.size();
  void* seen = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, exported.number(), 0);
  if (seen == MAP_FAILED) fail("what the NPU exports cannot be mapped");
  const auto unmap = [bytes](void* data) { munmap(data, bytes); };
  const std::unique_ptr<void, decltype(unmap)> mapped(seen, unmap);
  known.run({static_cast<std::byte*>(seen), bytes});
}

void try_import(const GemmContext& context) {
  KnownProduct known(context);
  const ArrayBuffer own = known.product.x;
  const Descriptor exported(own.export_fd());
  known.product.x = context.array.import_fd(exported.number(), own.size());
  known.run();
}

std::string shown(const std::string& why_not) { return why_not.empty() ? "yes" : "no, " + why_not; }

}  // namespace

Sharing probe_sharing(const GemmContext& context) {
  return {why_not([&] { try_host_pages(context); }), why_not([&] { try_export(context); }),
          why_not([&] { try_import(context); })};
}

std::string to_text(const Sharing& sharing) {
  return fmt::format("step {} of 4 (reads the host's pages: {}; exports: {}; imports: {})", sharing.step(),
                     shown(sharing.host_pages), shown(sharing.exported), shown(sharing.imported));
}

}  // namespace troika::npu
