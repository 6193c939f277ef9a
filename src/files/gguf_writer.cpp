#include "files/gguf_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "files/gguf_layout.h"

namespace troika::files {
namespace {

using gguf::ValueType;

template <typename Number>
void put(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

void put_text(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out += text;
}

template <typename Number>
void put_value(std::string& out, ValueType type, Number number) {
  put(out, static_cast<uint32_t>(type));
  put(out, number);
}

void put_list(std::string& out, ValueType type, size_t count) {
  put(out, static_cast<uint32_t>(ValueType::list));
  put(out, static_cast<uint32_t>(type));
  put(out, uint64_t{count});
}

size_t round_up(size_t bytes) {
  return (bytes + gguf::kDefaultAlignment - 1) / gguf::kDefaultAlignment * gguf::kDefaultAlignment;
}

// A new file that takes its name only when it is whole, and vanishes otherwise.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& path)
      : path_(path), part_(fmt::format("{}.{}.part", path.string(), ::getpid())) {
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) fail("cannot write {}: {}", part_, std::strerror(errno));
  }
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const void* data, size_t bytes) {
    const char* at = static_cast<const char*>(data);
    while (bytes > 0) {
      ssize_t written = ::write(fd_, at, bytes);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot write {}: {}", part_, std::strerror(errno));
      at += written;
      bytes -= static_cast<size_t>(written);
    }
  }
  void keep() {
    if (::fsync(fd_) != 0 || ::close(std::exchange(fd_, -1)) != 0)
      fail("cannot write {}: {}", part_, std::strerror(errno));
    std::filesystem::rename(part_, path_);
    kept_ = true;
  }

 private:
  std::filesystem::path path_;
  std::string part_;
  int fd_ = -1;
  bool kept_ = false;
};

}  // namespace

void GgufWriter::begin_key(std::string_view key) {
  check(!key.empty() && key.size() <= gguf::kLongestKey, "a GGUF key has 1 to 65535 bytes");
  check(key != "general.alignment", "the writer aligns to the default");
  check(taken_.insert(fmt::format("k:{}", key)).second, "a GGUF key is set once");
  put_text(keys_, key);
  ++key_count_;
}

void GgufWriter::set(std::string_view key, bool value) {
  begin_key(key);
  put_value(keys_, ValueType::boolean, static_cast<uint8_t>(value));
}
void GgufWriter::set(std::string_view key, uint32_t value) {
  begin_key(key);
  put_value(keys_, ValueType::u32, value);
}
void GgufWriter::set(std::string_view key, int32_t value) {
  begin_key(key);
  put_value(keys_, ValueType::i32, value);
}
void GgufWriter::set(std::string_view key, uint64_t value) {
  begin_key(key);
  put_value(keys_, ValueType::u64, value);
}
void GgufWriter::set(std::string_view key, int64_t value) {
  begin_key(key);
  put_value(keys_, ValueType::i64, value);
}
void GgufWriter::set(std::string_view key, float value) {
  begin_key(key);
  put_value(keys_, ValueType::f32, value);
}
void GgufWriter::set(std::string_view key, double value) {
  begin_key(key);
  put_value(keys_, ValueType::f64, value);
}
void GgufWriter::set(std::string_view key, std::string_view value) {
  begin_key(key);
  put(keys_, static_cast<uint32_t>(ValueType::text));
  put_text(keys_, value);
}
void GgufWriter::set(std::string_view key, std::span<const std::string_view> values) {
  begin_key(key);
  put_list(keys_, ValueType::text, values.size());
  for (std::string_view value : values) put_text(keys_, value);
}
void GgufWriter::set(std::string_view key, std::span<const std::string> values) {
  begin_key(key);
  put_list(keys_, ValueType::text, values.size());
  for (const std::string& value : values) put_text(keys_, value);
}
void GgufWriter::set(std::string_view key, std::span<const int32_t> values) {
  begin_key(key);
  put_list(keys_, ValueType::i32, values.size());
  for (int32_t value : values) put(keys_, value);
}
void GgufWriter::set(std::string_view key, std::span<const float> values) {
  begin_key(key);
  put_list(keys_, ValueType::f32, values.size());
  for (float value : values) put(keys_, value);
}

void GgufWriter::copy(const Metadata::Entry& entry) {
  check(!entry.value.raw.empty(), "only keys of a GGUF file can be copied");
  begin_key(entry.key);
  keys_.append(reinterpret_cast<const char*>(entry.value.raw.data()), entry.value.raw.size());
}

void GgufWriter::add(std::string name, Format format, const Shape& shape, std::span<const std::byte> bytes) {
  check(bytes.size() == bytes_of(format, shape), "a tensor's bytes fit its format and shape");
  add(std::move(name), format, shape,
      [bytes](std::span<std::byte> out) { std::memcpy(out.data(), bytes.data(), bytes.size()); });
}

void GgufWriter::add(std::string name, Format format, const Shape& shape, Produce produce) {
  check(!name.empty() && name.size() <= gguf::kLongestName, "a GGUF tensor's name has 1 to 63 bytes");
  check(taken_.insert("t:" + name).second, "a GGUF tensor is added once");
  size_t bytes = bytes_of(format, shape);
  tensors_.push_back({std::move(name), format, shape, bytes, std::move(produce)});
}

void GgufWriter::finish() {
  std::string header(gguf::kMagic);
  put(header, gguf::kVersion);
  put(header, uint64_t{tensors_.size()});
  put(header, key_count_);
  header += keys_;
  size_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    put_text(header, tensor.name);
    put(header, static_cast<uint32_t>(tensor.shape.rank));
    for (int i = tensor.shape.rank; i-- > 0;) put(header, static_cast<uint64_t>(tensor.shape[i]));
    put(header, static_cast<uint32_t>(tensor.format));
    put(header, uint64_t{offset});
    offset += round_up(tensor.bytes);
  }
  header.resize(round_up(header.size()), '\0');

  NewFile file(path_);
  file.write(header.data(), header.size());
  std::vector<std::byte> bytes;
  for (const Tensor& tensor : tensors_) {
    bytes.assign(round_up(tensor.bytes), std::byte{0});
    tensor.produce(std::span(bytes).first(tensor.bytes));
    file.write(bytes.data(), bytes.size());
  }
  file.keep();
}

}  // namespace troika::files
