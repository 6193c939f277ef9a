// A model's chat template: Jinja text from a model file, turned once into a syntax tree, rendered for each
// request. The text is untrusted: it sees nothing but the variables of the call, and every rendering runs
// under limits.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace troika::text {

// What one rendering may use. Real conversations stay far below: a message takes a few hundred steps.
struct RenderLimits {
  size_t steps = 2'000'000;          // syntax nodes evaluated, loop rounds, and text scanned (one per KiB)
  size_t output_bytes = 64u << 20;   // of the finished prompt
  size_t memory_bytes = 512u << 20;  // all strings and lists the template makes, added up
};

namespace jinja {
struct Template;
}

// Immutable after construction; any number of threads may render it at once.
class ChatTemplate {
 public:
  // Throws Error ("chat template, line 7: ...") when the text is not a template we understand.
  explicit ChatTemplate(std::string_view source);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `variables` is an object: messages, tools, add_generation_prompt, bos_token, ... in the order of the
  // request. Throws Error: the template's own words when it calls raise_exception, otherwise the line and
  // what went wrong.
  std::string render(const nlohmann::ordered_json& variables, const RenderLimits& limits = {}) const;

 private:
  std::unique_ptr<const jinja::Template> template_;
};

}  // namespace troika::text
