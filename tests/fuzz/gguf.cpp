// GGUF files: whatever the header claims, the file opens and can be read, or is refused.
#include "fuzz/opened.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::fuzz;
  static const Folder folder;
  folder.write("model.gguf", text_of(data, size));
  open_and_read(folder.path() / "model.gguf");
  return 0;
}
