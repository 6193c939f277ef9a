// Code compiled for an instruction set must not leak into functions that the linker shares with the rest of the
// program: all global and weak code of such an object carries the instruction set in its name.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace troika::kernels {
namespace {

struct Symbol {
  std::string object, name;
  char kind;
};

// Lines of nm: "archive:object:address kind name", demangled.
std::vector<Symbol> defined_symbols() {
  std::vector<Symbol> symbols;
  FILE* pipe = popen(TROIKA_NM " -A -C --defined-only " TROIKA_KERNELS, "r");
  if (!pipe) return symbols;
  std::string line;
  for (int c; (c = fgetc(pipe)) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    size_t object = line.find(".a:") + 3, end = line.find(':', object), kind = line.find(' ', end) + 1;
    if (object != std::string::npos + 3 && end != std::string::npos && kind + 2 < line.size()) {
      symbols.push_back({line.substr(object, end - object), line.substr(kind + 2), line[kind]});
    }
    line.clear();
  }
  pclose(pipe);
  return symbols;
}

void expect_tagged(const std::string& object, const std::string& tag, const std::string& getter) {
  int seen = 0;
  for (const Symbol& s : defined_symbols()) {
    if (s.object.find(object) == std::string::npos) continue;
    if (std::string("TWVu").find(s.kind) == std::string::npos) continue;  // local, or data of the tool chain
    ++seen;
    if (s.name.starts_with("DW.ref.")) continue;  // a pointer that exception tables need
    EXPECT_TRUE(s.name.find(tag) != std::string::npos || s.name.find(getter) != std::string::npos)
        << object << " shares " << s.kind << " " << s.name;
  }
  EXPECT_GT(seen, 20) << "no symbols of " << object;
}

TEST(KernelSymbols, OfAvx2CarryItsName) { expect_tagged("avx2.cpp", "Avx2", "avx2_table"); }
TEST(KernelSymbols, OfScalarCarryItsName) { expect_tagged("scalar.cpp", "Scalar", "scalar_table"); }

}  // namespace
}  // namespace troika::kernels
