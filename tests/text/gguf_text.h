// GGUF metadata as the tokenizer tests need it, without the layer that reads model files.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace troika::text::samples {

// The tokenizer part of a well-formed GGUF file: enough of the format to read arrays of strings and of int32.
class GgufText {
 public:
  explicit GgufText(std::string bytes) : bytes_(std::move(bytes)) {
    at_ = 16;
    const auto count = number<uint64_t>();
    for (uint64_t i = 0; i < count; ++i) {
      const std::string key = string();
      value(key, number<uint32_t>());
    }
  }
  std::map<std::string, std::vector<std::string>> strings;  // a single string is a list of one
  std::map<std::string, std::vector<int64_t>> numbers;
  std::map<std::string, std::vector<float>> floats;

 private:
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string string() {
    const auto size = number<uint64_t>();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  void value(const std::string& key, uint32_t type) {
    switch (type) {
      case 4:
        numbers[key].push_back(number<uint32_t>());
        break;
      case 5:
        numbers[key].push_back(number<int32_t>());
        break;
      case 6:
        floats[key].push_back(number<float>());
        break;
      case 7:
        numbers[key].push_back(number<uint8_t>());
        break;
      case 8:
        strings[key].push_back(string());
        break;
      case 9: {
        const auto item = number<uint32_t>();
        for (auto left = number<uint64_t>(); left > 0; --left) value(key, item);
        break;
      }
      case 10:
        numbers[key].push_back(static_cast<int64_t>(number<uint64_t>()));
        break;
      default:
        FAIL() << "GGUF value of type " << type;
    }
  }
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace troika::text::samples
