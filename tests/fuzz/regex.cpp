// Regular expressions become a grammar under which text can be written, or are refused.
#include "fuzz/input.h"
#include "grammar/hostile_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::grammar::samples;
  try_hostile_grammar(FrontEnd::regex, troika::fuzz::text_of(data, size), uint32_t(size));
  return 0;
}
