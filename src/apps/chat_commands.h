// The slash commands of the chat: /help, /set, /save and the like.
#pragma once

#include <string>
#include <string_view>

#include "apps/chat.h"

namespace troika::apps {

struct CommandResult {
  std::string text;  // to show; may be empty
  bool leave = false;
};

// Runs a line that begins with a slash. Throws Error with what to type instead.
CommandResult run_command(Chat& chat, std::string_view line);

}  // namespace troika::apps
