// The terminal's side of a chat: lines with editing and history, Ctrl-C as a question that can be asked, and
// text from a model made harmless for a terminal.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troika::apps {

// One at a time; for standard input when it is a terminal.
class LineEditor {
 public:
  // Lines are kept in `history` (made with its folders, readable by its owner only); "" keeps none.
  explicit LineEditor(const std::filesystem::path& history);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // A line without its end; nothing at Ctrl-D. Ctrl-C empties the line.
  std::optional<std::string> read();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// XDG_STATE_HOME/troika/history, else ~/.local/state/troika/history; "" when there is no home.
std::filesystem::path history_file();

// While it lives, Ctrl-C is noted instead of ending the program.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  void forget();  // what was pressed until now
  bool pressed() const;
};

}  // namespace troika::apps
