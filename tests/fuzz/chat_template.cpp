// Templates are parsed, asked what they cannot take, and rendered with a small conversation, within their limits.
#include <nlohmann/json.hpp>

#include "fuzz/input.h"
#include "text/chat_repair.h"
#include "text/chat_template.h"

namespace troika::text {
namespace {

const auto kVariables = nlohmann::ordered_json::parse(R"({
    "messages": [
        {"role": "system", "content": "Be \u201cbrief\u201d."},
        {"role": "user", "content": [{"type": "text", "text": "Hi <b>&amp;"}, {"type": "image"}]},
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [{"type": "function", "id": "c",
            "function": {"name": "f", "arguments": {"x": [1, -2.5, null, true], "y": {"z": "\n"}}}}]},
        {"role": "tool", "content": "42", "tool_call_id": "c"},
        {"role": "user", "content": "\ud83d\ude42 a\tb"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "add_generation_prompt": true, "bos_token": "<s>", "enable_thinking": false, "n": 9007199254740993})");

}  // namespace
}  // namespace troika::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika;
  fuzz::survives([&] {
    const text::ChatTemplate parsed(fuzz::text_of(data, size));
    const text::RenderLimits limits{.steps = 20'000, .output_bytes = 1 << 20, .memory_bytes = 16 << 20};
    fuzz::survives([&] { check(parsed.render(text::kVariables, limits).size() <= limits.output_bytes, "a bounded prompt"); });
  });
  return 0;
}
