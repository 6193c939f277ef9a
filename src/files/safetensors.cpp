// Reading a Hugging Face folder: config.json and generation_config.json become Metadata, the .safetensors
// files (one, or shards named by an index) are mapped. A .safetensors file is
//   u64 header bytes, JSON {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …}, data
// with offsets counted from the data's start, and no byte of the data unused or used twice.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file_map.h"
#include "files/containers.h"
#include "files/json.h"
#include "files/tensor_table.h"

namespace troika::files {
namespace {

constexpr uint64_t kLongestHeader = 100'000'000;  // the limit that the format itself sets
constexpr size_t kLongestConfig = size_t{16} << 20;
constexpr size_t kLongestIndex = size_t{64} << 20;
constexpr size_t kLongestText = size_t{128} << 20;

struct Dtype {
  std::string_view name, type;
  size_t bytes;
};
constexpr std::array kDtypes = {
    Dtype{"F64", "f64", 8},   Dtype{"F32", "f32", 4},         Dtype{"F16", "f16", 2},
    Dtype{"BF16", "bf16", 2}, Dtype{"I64", "i64", 8},         Dtype{"I32", "i32", 4},
    Dtype{"I16", "i16", 2},   Dtype{"I8", "i8", 1},           Dtype{"U64", "u64", 8},
    Dtype{"U32", "u32", 4},   Dtype{"U16", "u16", 2},         Dtype{"U8", "u8", 1},
    Dtype{"BOOL", "bool", 1}, Dtype{"F8_E4M3", "f8_e4m3", 1}, Dtype{"F8_E5M2", "f8_e5m2", 1},
};

TensorEntry checked(const SafetensorsEntry& raw, const std::string& where) {
  TensorEntry entry{.name = raw.name, .type = raw.dtype, .shape = raw.shape, .bytes = raw.end - raw.begin};
  auto dtype = std::ranges::find(kDtypes, raw.dtype, &Dtype::name);
  if (dtype == kDtypes.end()) return entry;  // newer than we are: only this tensor cannot be read
  entry.type = dtype->type;
  entry.format = find_format(dtype->type);
  size_t bytes = dtype->bytes;
  bool too_large = false;
  for (int64_t size : raw.shape)
    too_large |= __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes);
  if (too_large || bytes != entry.bytes)
    fail("{}: tensor {} has {} bytes, which does not fit its shape and type {}", where, raw.name, entry.bytes,
         raw.dtype);
  return entry;
}

void refuse_holes(std::vector<SafetensorsEntry>& entries, uint64_t data_bytes, const std::string& where) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(entries[i].begin, entries[i].end); });
  uint64_t at = 0;
  for (size_t i : order) {
    const SafetensorsEntry& entry = entries[i];
    if (entry.end < entry.begin || entry.end > data_bytes)
      fail("{}: tensor {} lies at {} to {} of {} bytes of data; is the file cut short?", where, entry.name,
           entry.begin, entry.end, data_bytes);
    if (entry.begin != at)
      fail("{}: tensor {} begins at {} where {} is expected: tensors overlap or leave a gap", where,
           entry.name, entry.begin, at);
    at = entry.end;
  }
  if (at != data_bytes) fail("{}: {} bytes follow the last tensor", where, data_bytes - at);
}

void add_file(TensorTable& table, const std::shared_ptr<const FileMap>& map, const std::string& where) {
  auto bytes = map->bytes();
  uint64_t header = 0;
  if (bytes.size() < sizeof header) fail("{} is too short for a safetensors file", where);
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > kLongestHeader || header > bytes.size() - sizeof header)
    fail("{}: the header claims {} bytes of a file of {}; is the file cut short?", where, header,
         bytes.size());
  std::string_view json(reinterpret_cast<const char*>(bytes.data()) + sizeof header, header);
  auto entries = read_safetensors_header(json, where);
  size_t data = sizeof header + header;
  refuse_holes(entries, bytes.size() - data, where);
  for (const SafetensorsEntry& entry : entries)
    table.add(checked(entry, where), map, data + entry.begin, where);
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

class SafetensorsFolder : public ModelFile {
 public:
  explicit SafetensorsFolder(std::filesystem::path path) : path_(std::move(path)) {
    auto config = path_ / "config.json";
    if (!std::filesystem::is_regular_file(config))
      fail("{} has no config.json; a Hugging Face folder (or a .gguf file) is expected", path_.string());
    add_json(metadata_, read_text_file(config, kLongestConfig), "", config.string());
    auto generation = path_ / "generation_config.json";
    if (std::filesystem::is_regular_file(generation))
      add_json(metadata_, read_text_file(generation, kLongestConfig), "generation.", generation.string());
    open_weights();
  }

  FileKind kind() const override { return FileKind::safetensors; }
  const std::filesystem::path& path() const override { return path_; }
  const Metadata& metadata() const override { return metadata_; }
  std::optional<WeightView> find(std::string_view name) const override {
    return table_.find(name, path_.string());
  }
  std::span<const TensorEntry> tensors() const override { return table_.entries(); }
  size_t bytes() const override {
    size_t total = 0;
    for (const auto& map : maps_) total += map->bytes().size();
    return total;
  }
  std::string text_file(std::string_view name) const override {
    check(is_plain_name(name), "a side file is named without folders");
    auto file = path_ / name;
    return std::filesystem::is_regular_file(file) ? read_text_file(file, kLongestText) : "";
  }

 private:
  void open_weights() {
    auto single = path_ / "model.safetensors", index = path_ / "model.safetensors.index.json";
    if (std::filesystem::is_regular_file(single)) return open_file(single);
    if (std::filesystem::is_regular_file(index)) return open_shards(index);
    std::vector<std::filesystem::path> found;
    for (const auto& file : std::filesystem::directory_iterator(path_))
      if (file.path().extension() == ".safetensors") found.push_back(file.path());
    if (found.empty()) fail("{} holds no .safetensors file", path_.string());
    if (found.size() > 1)
      fail("{} holds {} .safetensors files but no model.safetensors.index.json", path_.string(),
           found.size());
    open_file(found[0]);
  }

  void open_file(const std::filesystem::path& file) {
    if (!std::filesystem::is_regular_file(file)) fail("{}: there is no such file", file.string());
    maps_.push_back(FileMap::open(file));
    add_file(table_, maps_.back(), file.string());
  }

  void open_shards(const std::filesystem::path& index) {
    auto places = read_shard_index(read_text_file(index, kLongestIndex), index.string());
    std::set<std::string> shards;
    for (const auto& [tensor, file] : places) {
      if (!is_plain_name(file)) fail("{}: {} is not the name of a file in this folder", index.string(), file);
      shards.insert(file);
    }
    for (const std::string& shard : shards) open_file(path_ / shard);
    for (const auto& [tensor, file] : places)
      if (!table_.has(tensor)) fail("{}: tensor {} is not in {}", index.string(), tensor, file);
  }

  std::filesystem::path path_;
  std::vector<std::shared_ptr<const FileMap>> maps_;
  Metadata metadata_;
  TensorTable table_;
};

}  // namespace

std::unique_ptr<ModelFile> open_safetensors(const std::filesystem::path& folder) {
  return std::make_unique<SafetensorsFolder>(folder);
}

}  // namespace troika::files
