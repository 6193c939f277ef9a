// Runs a fuzz target without libFuzzer: every seed, then a fixed number of seeds with changes, the same ones each time.
// So the targets are built and run by every ./test.
//
//   fuzz_regex ROUNDS FOLDER_OR_FILE...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" {
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// Of targets whose inputs have a form to keep.
[[gnu::weak]] size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room);  // libFuzzer has it; here it is below
}

namespace {

constexpr size_t kRoom = 4096;  // bytes that a changed input may have
std::mt19937 random_bits(1);

void add_seeds(const std::filesystem::path& path, std::vector<std::string>& seeds) {
  std::vector<std::filesystem::path> files = {path};
  if (std::filesystem::is_directory(path)) files.assign(std::filesystem::directory_iterator(path), {});
  std::ranges::sort(files);
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
}

std::string changed(std::string input) {
  const size_t size = std::min(input.size(), kRoom);
  input.resize(kRoom);
  uint8_t* const data = reinterpret_cast<uint8_t*>(input.data());
  input.resize(LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(data, size, kRoom, random_bits())
                                       : LLVMFuzzerMutate(data, size, kRoom));
  return input;
}

// An input that breaks the target is kept beside the program.
void run(const std::string& input, const std::string& program) {
  std::string why = "an unknown exception";
  try {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    return;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
  }
  const std::string file = program + ".finding";
  std::ofstream(file, std::ios::binary) << input;
  std::fprintf(stderr, "%s\nThe input is kept in %s.\n", why.c_str(), file.c_str());
  std::exit(1);
}

}  // namespace

// One byte changed, some removed or repeated, or a bit flipped.
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room) {
  if (size == 0) return *data = uint8_t(random_bits()), 1;
  const size_t at = random_bits() % size, bytes = std::min<size_t>(1 + random_bits() % 8, size - at);
  switch (random_bits() % 4) {
    case 0:
      data[at] = uint8_t(random_bits());
      return size;
    case 1:
      data[at] = uint8_t(data[at] ^ 1 << random_bits() % 8);
      return size;
    case 2:
      std::memmove(data + at, data + at + bytes, size - at - bytes);
      return size - bytes;
    default:
      if (size + bytes > room) return size;
      std::memmove(data + at + bytes, data + at, size - at);
      return size + bytes;
  }
}

int main(int count, char** arguments) {
  std::vector<std::string> seeds;
  for (int i = 2; i < count; ++i) add_seeds(arguments[i], seeds);
  if (seeds.empty()) return std::fprintf(stderr, "usage: %s ROUNDS FOLDER_OR_FILE...\n", arguments[0]), 2;
  for (const std::string& seed : seeds) run(seed, arguments[0]);
  for (int rounds = std::atoi(arguments[1]); rounds > 0; --rounds) {
    std::string input = seeds[random_bits() % seeds.size()];
    for (unsigned changes = 1 + random_bits() % 4; changes > 0; --changes) input = changed(std::move(input));
    run(input, arguments[0]);
  }
}
