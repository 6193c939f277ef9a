// What a chat template cannot take, mended in the messages before it renders them. A template is asked once, by
// rendering small probes, and only what it provably refuses or drops is changed:
//   system text   Gemma 2's template refuses the role, others drop it silently. The text goes in front of the first
//                 user turn, one blank line between. A system message that no user turn follows stays as it is.
//   parts         A template for text only is given the text of messages whose content is a list of parts, one line
//                 break between parts; a part that is no text is an error. One for parts only is given a list.
// Roles that must alternate are the caller's business: messages are never merged otherwise.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "text/chat_template.h"

namespace troika::text {

struct ChatRepairs {
  bool folds_system = false;
  bool flattens_parts = false;
  bool wraps_text = false;
};

ChatRepairs find_repairs(const ChatTemplate& chat_template);

// Changes `messages` in place. Throws Error for an image that the template has no place for; what is no list of
// messages is left to the template.
void repair_messages(const ChatRepairs& repairs, nlohmann::ordered_json& messages);

}  // namespace troika::text
