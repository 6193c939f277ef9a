// The wire format of protocol buffers: a message is a list of numbered fields, each a number, four or eight bytes, or
// a run of bytes (text, or a message inside). For untrusted files: nothing is copied, nothing beyond the end is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troika::text {

class ProtobufReader {
 public:
  enum class Kind { number, eight_bytes, bytes, four_bytes };
  struct Field {
    uint32_t number;
    Kind kind;
    uint64_t value = 0;      // of Kind::number
    std::string_view bytes;  // of all other kinds
  };

  // `where` names the file in messages; both must outlive the reader.
  ProtobufReader(std::string_view message, std::string_view where) : rest_(message), where_(where) {}

  // The next field; nothing at the end. Throws Error on what is no message.
  std::optional<Field> next();

 private:
  uint64_t varint();
  std::string_view take(uint64_t bytes);

  std::string_view rest_, where_;
};

}  // namespace troika::text
