// Reading GGUF: one pass over the tables with a cursor that checks every length against what is left of the
// file before it looks. Texts stay where they are (views into the mapping), so a vocabulary costs 16 bytes a
// token.
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/file_map.h"
#include "files/containers.h"
#include "files/gguf_layout.h"
#include "files/json.h"
#include "files/tensor_table.h"

namespace troika::files {
namespace {

using gguf::ValueType;

constexpr uint64_t kMostKeys = 100'000;
constexpr uint64_t kMostTensors = 1'000'000;
constexpr uint64_t kMostNumbers = 4 << 20;  // in all lists of a file; each is widened to 16 bytes
constexpr int kDeepestList = 4;
constexpr int kMostParts = 10'000;

// A place in the file; every step forward is checked.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  size_t position() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  const std::string& where() const { return where_; }

  std::span<const std::byte> take(uint64_t count, std::string_view what) {
    if (count > left())
      fail("{}: {} needs {} bytes at {} but the file has {} left; is it cut short?", where_, what, count, at_,
           left());
    auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  template <typename Number>
  Number number(std::string_view what) {
    Number number;
    std::memcpy(&number, take(sizeof number, what).data(), sizeof number);
    return number;
  }
  std::string_view text(std::string_view what) {
    auto bytes = take(number<uint64_t>(what), what);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!is_utf8(text)) fail("{}: {} is not valid UTF-8", where_, what);
    return text;
  }
  std::span<const std::byte> since(size_t begin) const { return bytes_.subspan(begin, at_ - begin); }
  // Widened numbers take more memory than they take in the file, so there is a limit for all of them.
  void spend_numbers(uint64_t count, std::string_view key) {
    if (count > numbers_left_)
      fail("{}: with key {} the lists hold more than the {} numbers allowed", where_, key, kMostNumbers);
    numbers_left_ -= count;
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::string where_;
  uint64_t numbers_left_ = kMostNumbers;
};

// ---- keys and values

template <typename Number>
void add_number(MetadataValue& value, Number number) {
  value.numbers.push_back(static_cast<double>(number));
  if (value.integers.size() + 1 < value.numbers.size()) return;  // an earlier one was not whole
  if constexpr (std::is_integral_v<Number>) {
    if (std::in_range<int64_t>(number)) return value.integers.push_back(static_cast<int64_t>(number));
  } else if (number >= -0x1p63 && number < 0x1p63 &&
             number == static_cast<Number>(static_cast<int64_t>(number))) {
    return value.integers.push_back(static_cast<int64_t>(number));
  }
  value.integers.clear();
}

template <typename Number>
void read_numbers(Cursor& cursor, MetadataValue& value, uint64_t count, std::string_view key) {
  value.type = MetadataValue::Type::number;
  cursor.spend_numbers(count, key);
  auto bytes = cursor.take(count * sizeof(Number), key);
  value.numbers.reserve(count);
  value.integers.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    Number number;
    std::memcpy(&number, bytes.data() + i * sizeof number, sizeof number);
    add_number(value, number);
  }
}

void read_booleans(Cursor& cursor, MetadataValue& value, uint64_t count, std::string_view key) {
  value.type = MetadataValue::Type::boolean;
  auto bytes = cursor.take(count, key);
  value.booleans.reserve(count);
  for (std::byte b : bytes) {
    if (b > std::byte{1})
      fail("{}: key {} holds {}, which is neither true nor false", cursor.where(), key, int(b));
    value.booleans.push_back(b == std::byte{1});
  }
}

void read_texts(Cursor& cursor, MetadataValue& value, uint64_t count, std::string_view key) {
  value.type = MetadataValue::Type::text;
  constexpr size_t least = sizeof(uint64_t);  // an empty text
  if (count > cursor.left() / least)
    fail("{}: key {} claims {} texts but the file has {} bytes left", cursor.where(), key, count,
         cursor.left());
  value.texts.reserve(count);
  for (uint64_t i = 0; i < count; ++i) value.texts.push_back(cursor.text(key));
}

void read_elements(Cursor& cursor, MetadataValue& value, uint32_t type, uint64_t count, std::string_view key);

// Lists of lists are legal and unused: they are checked and stepped over.
void skip_lists(Cursor& cursor, uint64_t count, std::string_view key, int depth) {
  if (depth > kDeepestList) fail("{}: key {} nests lists too deeply", cursor.where(), key);
  constexpr size_t least = sizeof(uint32_t) + sizeof(uint64_t);
  if (count > cursor.left() / least)
    fail("{}: key {} claims {} lists but the file has {} bytes left", cursor.where(), key, count,
         cursor.left());
  for (uint64_t i = 0; i < count; ++i) {
    auto type = cursor.number<uint32_t>(key);
    auto inner = cursor.number<uint64_t>(key);
    if (static_cast<ValueType>(type) == ValueType::list) {
      skip_lists(cursor, inner, key, depth + 1);
    } else {
      MetadataValue ignored;
      read_elements(cursor, ignored, type, inner, key);
    }
  }
}

void read_elements(Cursor& cursor, MetadataValue& value, uint32_t type, uint64_t count,
                   std::string_view key) {
  switch (static_cast<ValueType>(type)) {
    case ValueType::u8:
      return read_numbers<uint8_t>(cursor, value, count, key);
    case ValueType::i8:
      return read_numbers<int8_t>(cursor, value, count, key);
    case ValueType::u16:
      return read_numbers<uint16_t>(cursor, value, count, key);
    case ValueType::i16:
      return read_numbers<int16_t>(cursor, value, count, key);
    case ValueType::u32:
      return read_numbers<uint32_t>(cursor, value, count, key);
    case ValueType::i32:
      return read_numbers<int32_t>(cursor, value, count, key);
    case ValueType::f32:
      return read_numbers<float>(cursor, value, count, key);
    case ValueType::boolean:
      return read_booleans(cursor, value, count, key);
    case ValueType::text:
      return read_texts(cursor, value, count, key);
    case ValueType::list:
      return skip_lists(cursor, count, key, 1);
    case ValueType::u64:
      return read_numbers<uint64_t>(cursor, value, count, key);
    case ValueType::i64:
      return read_numbers<int64_t>(cursor, value, count, key);
    case ValueType::f64:
      return read_numbers<double>(cursor, value, count, key);
  }
  fail("{}: key {} has the unknown value type {}", cursor.where(), key, type);
}

MetadataValue read_value(Cursor& cursor, std::string_view key) {
  MetadataValue value;
  size_t begin = cursor.position();
  auto type = cursor.number<uint32_t>(key);
  uint64_t count = 1;
  if (static_cast<ValueType>(type) == ValueType::list) {
    value.array = true;
    type = cursor.number<uint32_t>(key);
    count = cursor.number<uint64_t>(key);
  }
  read_elements(cursor, value, type, count, key);
  if (value.array && count == 0) value.type = MetadataValue::Type::empty;
  value.raw = cursor.since(begin);
  return value;
}

Metadata read_metadata(Cursor& cursor, uint64_t count) {
  constexpr size_t least =
      sizeof(uint64_t) + 1 + sizeof(uint32_t) + 1;  // a key of one letter, a value of one byte
  if (count > kMostKeys || count > cursor.left() / least)
    fail("{}: the file claims {} keys, more than it can hold", cursor.where(), count);
  Metadata metadata;
  for (uint64_t i = 0; i < count; ++i) {
    std::string_view key = cursor.text("a key");
    if (key.empty() || key.size() > gguf::kLongestKey)
      fail("{}: key {} has a name of {} bytes", cursor.where(), i, key.size());
    if (!metadata.add(std::string(key), read_value(cursor, key)))
      fail("{}: key {} appears twice", cursor.where(), key);
  }
  return metadata;
}

size_t read_alignment(const Metadata& metadata, const std::string& where) {
  int64_t alignment = metadata.integer("general.alignment").value_or(gguf::kDefaultAlignment);
  if (alignment < 8 || alignment > int64_t{gguf::kLargestAlignment} ||
      !std::has_single_bit(uint64_t(alignment)))
    fail("{}: general.alignment is {}; it must be a power of two from 8 to {}", where, alignment,
         gguf::kLargestAlignment);
  return static_cast<size_t>(alignment);
}

// ---- tensors

struct TensorInfo {
  TensorEntry entry;
  uint64_t offset = 0;
};

// A tensor type by its id: a format, or one that can only be measured.
std::optional<gguf::TensorType> tensor_type(uint32_t id) {
  if (auto format = find_format(id)) {
    const FormatInfo& f = info(*format);
    return gguf::TensorType{id, f.name, f.block_values, f.block_bytes};
  }
  for (const gguf::TensorType& row : gguf::kOtherTypes)
    if (row.id == id) return row;
  return std::nullopt;
}

// Settles type, format and bytes of a tensor whose shape is known.
void settle_type(TensorEntry& entry, uint32_t type, const std::string& where) {
  std::optional<gguf::TensorType> known = tensor_type(type);
  if (!known) {  // removed or newer than we are: the file opens, only this tensor cannot be read
    entry.type = fmt::format("type {}", type);
    return;
  }
  entry.type = known->name;
  entry.format = find_format(type);
  int64_t columns = entry.shape.back();
  if (columns % known->block_values != 0)
    fail("{}: tensor {} has rows of {} values, no multiple of the {} of type {}", where, entry.name, columns,
         known->block_values, known->name);
  size_t bytes = static_cast<size_t>(known->block_bytes);
  bool too_large = __builtin_mul_overflow(bytes, static_cast<size_t>(columns / known->block_values), &bytes);
  for (size_t i = 0; i + 1 < entry.shape.size(); ++i)
    too_large |= __builtin_mul_overflow(bytes, static_cast<size_t>(entry.shape[i]), &bytes);
  if (too_large) fail("{}: tensor {} is larger than any file", where, entry.name);
  entry.bytes = bytes;
}

TensorInfo read_tensor_info(Cursor& cursor) {
  TensorInfo tensor;
  std::string_view name = cursor.text("a tensor's name");
  if (name.empty() || name.size() > gguf::kLongestName)
    fail("{}: a tensor's name has {} bytes; 1 to {} are allowed", cursor.where(), name.size(),
         gguf::kLongestName);
  tensor.entry.name = name;
  auto rank = cursor.number<uint32_t>(name);
  if (rank < 1 || rank > 4)
    fail("{}: tensor {} has {} dimensions; 1 to 4 are allowed", cursor.where(), name, rank);
  tensor.entry.shape.resize(rank);
  for (uint32_t i = 0; i < rank; ++i) {
    auto size = cursor.number<uint64_t>(name);
    if (size < 1 || size > uint64_t{std::numeric_limits<int>::max()})
      fail("{}: tensor {} has a dimension of {}", cursor.where(), name, size);
    tensor.entry.shape[rank - 1 - i] = static_cast<int64_t>(size);  // the file starts with the innermost
  }
  settle_type(tensor.entry, cursor.number<uint32_t>(name), cursor.where());
  tensor.offset = cursor.number<uint64_t>(name);
  return tensor;
}

std::vector<TensorInfo> read_tensor_infos(Cursor& cursor, uint64_t count) {
  constexpr size_t least = 8 + 1 + 4 + 8 + 4 + 8;  // one letter, one dimension
  if (count > kMostTensors || count > cursor.left() / least)
    fail("{}: the file claims {} tensors, more than it can hold", cursor.where(), count);
  std::vector<TensorInfo> infos;
  infos.reserve(count);
  for (uint64_t i = 0; i < count; ++i) infos.push_back(read_tensor_info(cursor));
  return infos;
}

// ---- a file, and all parts of a split one

uint64_t read_header(Cursor& cursor) {
  const std::string& where = cursor.where();
  auto magic = cursor.take(gguf::kMagic.size(), "the GGUF header");
  if (std::memcmp(magic.data(), gguf::kMagic.data(), magic.size()) != 0)
    fail("{} is not a GGUF file: it does not begin with \"GGUF\"", where);
  auto version = cursor.number<uint32_t>("the GGUF version");
  if (version == 1)
    fail("{} is of GGUF version 1, which no tool writes any more; convert the model again", where);
  if (version != 0 && (version & 0xffff) == 0)
    fail("{} is a big-endian GGUF file; Troika reads little-endian ones only", where);
  if (version != 2 && version != 3) fail("{} is of GGUF version {}; Troika reads 2 and 3", where, version);
  return cursor.number<uint64_t>("the tensor count");
}

Metadata read_part(const std::shared_ptr<const FileMap>& map, const std::string& where, TensorTable& table) {
  Cursor cursor(map->bytes(), where);
  uint64_t tensors = read_header(cursor);
  auto keys = cursor.number<uint64_t>("the key count");
  Metadata metadata = read_metadata(cursor, keys);
  size_t alignment = read_alignment(metadata, where);
  std::vector<TensorInfo> infos = read_tensor_infos(cursor, tensors);

  size_t data =
      (cursor.position() + alignment - 1) / alignment * alignment;  // a file of no tensors may end before
  size_t size = map->bytes().size();
  size_t first = table.entries().size();
  for (TensorInfo& tensor : infos) {
    const TensorEntry& entry = tensor.entry;
    if (tensor.offset % alignment != 0)
      fail("{}: tensor {} is at offset {}, not aligned to {}", where, entry.name, tensor.offset, alignment);
    if (data > size || tensor.offset > size - data || entry.bytes > size - data - tensor.offset)
      fail("{}: tensor {} ({} bytes at {}) ends past the file's {} bytes; is the file cut short?", where,
           entry.name, entry.bytes, tensor.offset, size);
    table.add(std::move(tensor.entry), map, data + tensor.offset, where);
  }
  table.refuse_overlaps(first, where);
  return metadata;
}

class GgufFile : public ModelFile {
 public:
  explicit GgufFile(std::filesystem::path path) : path_(std::move(path)) {
    maps_.push_back(FileMap::open(path_));
    metadata_ = read_part(maps_[0], path_.string(), table_);
    int64_t parts = metadata_.integer("split.count").value_or(0);
    if (parts > 1) open_other_parts(parts);
  }

  FileKind kind() const override { return FileKind::gguf; }
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
  std::string text_file(std::string_view) const override { return ""; }

 private:
  // The parts of a split model are named PREFIX-00001-of-00003.gguf; the first one holds all keys.
  void open_other_parts(int64_t parts) {
    std::string name = path_.filename().string();
    std::string first_end = fmt::format("-00001-of-{:05}.gguf", parts);
    if (parts > kMostParts) fail("{}: the model claims to be split into {} parts", path_.string(), parts);
    if (metadata_.integer("split.no").value_or(0) != 0)
      fail("{} is a later part of a split model; give the first part, …{}", path_.string(), first_end);
    if (!name.ends_with(first_end))
      fail("{} is the first of {} parts, so its name must end with {}", path_.string(), parts, first_end);
    std::string prefix = name.substr(0, name.size() - first_end.size());
    for (int64_t part = 1; part < parts; ++part) {
      auto path = path_.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part + 1, parts);
      maps_.push_back(FileMap::open(path));
      Metadata own = read_part(maps_.back(), path.string(), table_);
      if (own.integer("split.no") != part || own.integer("split.count") != parts)
        fail("{} does not say that it is part {} of {}", path.string(), part + 1, parts);
    }
    auto all = metadata_.integer("split.tensors.count");
    if (all && *all != static_cast<int64_t>(table_.entries().size()))
      fail("{}: the parts hold {} tensors, not the {} that the first one claims", path_.string(),
           table_.entries().size(), *all);
  }

  std::filesystem::path path_;
  std::vector<std::shared_ptr<const FileMap>> maps_;
  Metadata metadata_;
  TensorTable table_;
};

}  // namespace

std::unique_ptr<ModelFile> open_gguf(const std::filesystem::path& path) {
  return std::make_unique<GgufFile>(path);
}

}  // namespace troika::files
