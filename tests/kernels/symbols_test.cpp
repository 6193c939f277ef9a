// Code compiled for an instruction set must not leak into functions that the linker shares with the rest of the
// program: all global and weak code of such an object carries the instruction set in its name, and no other object has
// any of its instructions.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace troika::kernels {
namespace {

struct Symbol {
  std::string object, name;
  char kind;
};

std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return lines;
  std::string line;
  for (int c; (c = fgetc(pipe)) != EOF;) {
    if (c != '\n') line += static_cast<char>(c);
    else lines.push_back(std::move(line)), line.clear();
  }
  pclose(pipe);
  return lines;
}

// Lines of nm: "archive:object:address kind name", demangled.
std::vector<Symbol> defined_symbols() {
  std::vector<Symbol> symbols;
  for (const std::string& line : lines_of(TROIKA_NM " -A -C --defined-only " TROIKA_KERNELS)) {
    size_t object = line.find(".a:") + 3, end = line.find(':', object), kind = line.find(' ', end) + 1;
    if (object != std::string::npos + 3 && end != std::string::npos && kind + 2 < line.size()) {
      symbols.push_back({line.substr(object, end - object), line.substr(kind + 2), line[kind]});
    }
  }
  return symbols;
}

// A constant of the headers, such as a table of levels: bytes that are the same in every object. Tables of functions
// are templates.
bool is_plain_data(const Symbol& s) { return (s.kind == 'V' || s.kind == 'u') && s.name.find('<') == std::string::npos; }

void expect_tagged(const std::string& object, const std::string& tag, const std::string& getter) {
  int seen = 0;
  for (const Symbol& s : defined_symbols()) {
    if (s.object.find(object) == std::string::npos) continue;
    if (std::string("TWVu").find(s.kind) == std::string::npos) continue;  // local, or data of the tool chain
    ++seen;
    if (s.name.starts_with("DW.ref.")) continue;  // a pointer that exception tables need
    if (is_plain_data(s)) continue;
    EXPECT_TRUE(s.name.find(tag) != std::string::npos || s.name.find(getter) != std::string::npos)
        << object << " shares " << s.kind << " " << s.name;
  }
  EXPECT_GT(seen, 20) << "no symbols of " << object;
}

bool has_object(const std::string& object) {
  for (const Symbol& s : defined_symbols()) {
    if (s.object.find(object) != std::string::npos) return true;
  }
  return false;
}

TEST(KernelSymbols, OfScalarCarryItsName) { expect_tagged("scalar.cpp", "Scalar", "scalar_table"); }
TEST(KernelSymbols, OfAvx2CarryItsName) {
  if (!has_object("avx2.cpp")) GTEST_SKIP() << "built without avx2";
  expect_tagged("avx2.cpp", "Avx2", "avx2_table");
}
TEST(KernelSymbols, OfAvx512CarryItsName) {
  if (!has_object("avx512.cpp")) GTEST_SKIP() << "built without avx512";
  expect_tagged("avx512.cpp", "Avx512", "avx512_table");
}

// What matches a pattern among the instructions of an object.
struct Found {
  int count = 0;
  std::string first;
};
// Of every object of all our libraries that are built.
std::map<std::string, Found> instructions(const std::string& pattern) {
  std::map<std::string, Found> found;  // by "library: object"
  for (const auto& file : std::filesystem::recursive_directory_iterator(TROIKA_LIBRARIES)) {
    std::string name = file.path().filename().string();
    if (!name.starts_with("libtroika_") || !name.ends_with(".a")) continue;
    std::string object;
    for (const std::string& line : lines_of("export LC_ALL=C; " TROIKA_OBJDUMP " -d -w --no-show-raw-insn '" + file.path().string() +
                                            "' | grep -E 'file format|" + pattern + "'")) {
      if (size_t end = line.find(":     file format"); end != std::string::npos) {
        object = name + ": " + line.substr(0, end);
        found[object];
      } else if (Found& here = found[object]; here.count++ == 0) {
        here.first = line;
      }
    }
  }
  return found;
}

// Each instruction that only AVX and its successors have begins with v, but for those of the mask registers.
constexpr const char* kAvx = "[[:space:]]v[a-z0-9]+ .*%[xyz]mm|%k[0-7]";
constexpr const char* kBf16 = "v[a-z0-9]*bf16";
constexpr const char* kAvx512 = "%zmm|%k[0-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])";

// How many an object that may have them has at least, else we would not be looking at the right thing.
#ifdef __SANITIZE_ADDRESS__  // built with -O1, which unrolls nothing
constexpr int kManyAvx = 250, kManyAvx512 = 125;
#else
constexpr int kManyAvx = 1000, kManyAvx512 = 500;
#endif

TEST(KernelInstructions, OfAvxAreInNoOtherObject) {
  if (!has_object("avx2.cpp")) GTEST_SKIP() << "built without avx2";
  int with = 0, without = 0;
  for (const auto& [object, found] : instructions(kAvx)) {
    if (object.find(": avx2.cpp") != std::string::npos || object.find(": avx512.cpp") != std::string::npos) {
      EXPECT_GT(found.count, kManyAvx) << object << " should be full of them";
      ++with;
      continue;
    }
    EXPECT_EQ(found.count, 0) << object << " has instructions such as " << found.first;
    ++without;
  }
  EXPECT_EQ(with, 2);
  EXPECT_GT(without, 10);
}

TEST(KernelInstructions, OfAvx512AreInItsObjectOnly) {
  if (!has_object("avx512.cpp")) GTEST_SKIP() << "built without avx512";
  for (const auto& [object, found] : instructions(kAvx512)) {
    if (object.find(": avx512.cpp") != std::string::npos) EXPECT_GT(found.count, kManyAvx512) << object;
    else EXPECT_EQ(found.count, 0) << object << " has instructions such as " << found.first;
  }
}

// Zen 4 has them, older processors with AVX-512 have not.
TEST(KernelInstructions, OfBf16AreInNoObject) {
  if (!has_object("avx512.cpp")) GTEST_SKIP() << "built without avx512";
  for (const auto& [object, found] : instructions(kBf16)) EXPECT_EQ(found.count, 0) << object << " has " << found.first;
}

}  // namespace
}  // namespace troika::kernels
