// A field is a varint `number << 3 | wire type`, then its value; a varint holds 7 bits a byte, lowest first, and its
// last byte has the top bit clear.
#include "text/protobuf_reader.h"

#include "base/error.h"

namespace troika::text {

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (rest_.empty()) return std::nullopt;
  const uint64_t tag = varint();
  const uint64_t number = tag >> 3;
  if (number == 0 || number > UINT32_MAX) fail("{}: not a protocol buffer: a field has the number {}", where_, number);
  Field field{.number = static_cast<uint32_t>(number)};
  switch (tag & 7) {
    case 0:
      field.kind = Kind::number;
      field.value = varint();
      return field;
    case 1:
      field.kind = Kind::eight_bytes;
      field.bytes = take(8);
      return field;
    case 2:
      field.kind = Kind::bytes;
      field.bytes = take(varint());
      return field;
    case 5:
      field.kind = Kind::four_bytes;
      field.bytes = take(4);
      return field;
    default:
      fail("{}: not a protocol buffer: a field has the wire type {}", where_, tag & 7);
  }
}

uint64_t ProtobufReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) fail("{}: the file is cut short", where_);
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return value;
  }
  fail("{}: not a protocol buffer: a number has more than 64 bits", where_);
}

std::string_view ProtobufReader::take(uint64_t bytes) {
  if (bytes > rest_.size()) fail("{}: the file is cut short", where_);
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

}  // namespace troika::text
