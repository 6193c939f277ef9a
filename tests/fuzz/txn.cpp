// NPU instruction streams: refused, or what was read is read again from what it is written as, and has a text.
#include <cstring>
#include <vector>

#include "fuzz/input.h"
#include "npu/txn/operations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::npu::txn;
  std::vector<uint32_t> words(size / 4);
  if (!words.empty()) std::memcpy(words.data(), data, 4 * words.size());
  if (words.size() > 3) words[3] = uint32_t(4 * words.size());  // the length is the first thing that is looked at
  troika::fuzz::survives([&] {
    const std::vector<Operation> operations = decode(words);
    troika::check(decode(encode(operations)) == operations, "the same operations");
    for (const Operation& operation : operations) troika::check(!to_text(operation).empty(), "a text");
  });
  return 0;
}
