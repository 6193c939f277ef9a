#include "base/structured_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>

#include <algorithm>
#include <iterator>
#include <memory>

namespace troika::log {
namespace {

// Of the line that this thread writes just now.
thread_local const std::initializer_list<Field>* fields_of_line = nullptr;

// Bytes of the character with which a text begins; 0: it is no UTF-8. Names of files may be anything.
size_t length_of_first(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80 ? 1 : byte(0) >= 0xc2 && byte(0) < 0xe0 ? 2 : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                        : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) >= 0xc0) return 0;
  }
  return length;
}

void append_text(spdlog::memory_buf_t& line, std::string_view text) {
  line.push_back('"');
  while (!text.empty()) {
    const size_t length = length_of_first(text);
    const char c = text.front();
    if (length == 0) {
      fmt::format_to(std::back_inserter(line), "\\ufffd");
    } else if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (length == 1 && c < 0x20) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", unsigned(c));
    } else {
      line.append(text.data(), text.data() + length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  line.push_back('"');
}

void append(spdlog::memory_buf_t& line, const Field& field) {
  line.push_back(',');
  append_text(line, field.name);
  line.push_back(':');
  if (const auto* text = std::get_if<std::string_view>(&field.value)) append_text(line, *text);
  else if (const auto* number = std::get_if<int64_t>(&field.value)) fmt::format_to(std::back_inserter(line), "{}", *number);
  else fmt::format_to(std::back_inserter(line), "{:.6f}", std::get<double>(field.value));
}

class JsonLines : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const auto whole = std::chrono::floor<std::chrono::seconds>(message.time);
    const auto thousandths = std::chrono::duration_cast<std::chrono::milliseconds>(message.time - whole).count();
    fmt::format_to(std::back_inserter(line), "{{\"time\":\"{:%Y-%m-%dT%H:%M:%S}.{:03}Z\"",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), thousandths);
    const auto level = spdlog::level::to_string_view(message.level);
    append(line, {"level", std::string_view(level.data(), level.size())});
    append(line, {"message", std::string_view(message.payload.data(), message.payload.size())});
    if (fields_of_line) {
      for (const Field& field : *fields_of_line) append(line, field);
    }
    line.push_back('}');
    line.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLines>(); }
};

}  // namespace

void write_json() { spdlog::set_formatter(std::make_unique<JsonLines>()); }

void note(level::level_enum level, std::initializer_list<Field> fields, std::string_view message) {
  fields_of_line = &fields;
  spdlog::log(level, "{}", message);
  fields_of_line = nullptr;
}

}  // namespace troika::log
