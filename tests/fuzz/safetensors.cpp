// Folders of safetensors: a line of config.json, a line of the shards' index, then the weights with their header.
#include "fuzz/opened.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::fuzz;
  static const Folder folder;
  std::string_view rest = text_of(data, size);
  for (const char* name : {"config.json", "model.safetensors.index.json"}) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    folder.write(name, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  folder.write("m.safetensors", rest);
  open_and_read(folder.path());
  return 0;
}
