// libFuzzer on schemas, regular expressions and EBNF:  grammar_fuzz -max_total_time=60 CORPUS
#include "grammar/hostile_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  troika::grammar::samples::try_hostile_grammar({data, size});
  return 0;
}
