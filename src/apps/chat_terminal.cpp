#include "apps/chat_terminal.h"

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace troika::apps {
namespace {

constexpr int kHistoryLines = 1000;

volatile std::sig_atomic_t interrupted = 0;
struct sigaction before_interrupt;

char* prompt_text(EditLine*) {
  static char text[] = ">>> ";
  return text;
}

// Ctrl-C at the prompt: a fresh line, as shells do.
unsigned char drop_line(EditLine* editor, int) {
  const LineInfo* line = el_line(editor);
  el_cursor(editor, static_cast<int>(line->lastchar - line->cursor));
  line = el_line(editor);
  el_deletestr(editor, static_cast<int>(line->lastchar - line->buffer));
  std::fputs("^C\n", stdout);
  std::fflush(stdout);
  return CC_REDISPLAY;
}

// The editor reads characters by the locale; in a bare container that is "C", where no letter but ASCII
// exists.
void use_utf8() {
  if (!std::setlocale(LC_CTYPE, "") || std::string_view(nl_langinfo(CODESET)) != "UTF-8") {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

// True when the file is there, ours alone, and fit to be written.
bool make_private(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return false;
  bool done = ::fchmod(file, 0600) == 0;
  ::close(file);
  return done;
}

}  // namespace

struct LineEditor::Impl {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string file;

  ~Impl() {
    if (editor) el_end(editor);
    if (history) history_end(history);
  }
};

LineEditor::LineEditor(const std::filesystem::path& history_path) : impl_(std::make_unique<Impl>()) {
  use_utf8();
  HistEvent event;
  impl_->history = history_init();
  history(impl_->history, &event, H_SETSIZE, kHistoryLines);
  history(impl_->history, &event, H_SETUNIQUE, 1);
  if (!history_path.empty() && make_private(history_path)) {
    impl_->file = history_path.string();
    history(impl_->history, &event, H_LOAD, impl_->file.c_str());
  }
  impl_->editor = el_init("troika", stdin, stdout, stderr);
  el_set(impl_->editor, EL_PROMPT, prompt_text);
  el_set(impl_->editor, EL_EDITOR, "emacs");
  el_set(impl_->editor, EL_HIST, history, impl_->history);
  el_set(impl_->editor, EL_ADDFN, "troika-drop-line", "Start the line anew", drop_line);
  el_set(impl_->editor, EL_SETTY, "-d", "-isig", nullptr);  // Ctrl-C arrives as a key while a line is edited
  el_set(impl_->editor, EL_BIND, "^C", "troika-drop-line", nullptr);
  el_set(impl_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read() {
  int length = 0;
  const char* text = el_gets(impl_->editor, &length);
  if (!text || length <= 0) return std::nullopt;
  std::string line(text, static_cast<size_t>(length));
  bool only_space = line.find_first_not_of(" \t\n") == std::string::npos;
  if (!only_space) {
    HistEvent event;
    history(impl_->history, &event, H_ENTER, line.c_str());
    if (!impl_->file.empty()) history(impl_->history, &event, H_SAVE, impl_->file.c_str());
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

std::filesystem::path history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::filesystem::path(state) / "troika/history";
  const char* home = std::getenv("HOME");
  if (home && *home == '/') return std::filesystem::path(home) / ".local/state/troika/history";
  return {};
}

Interrupt::Interrupt() {
  interrupted = 0;
  struct sigaction note {};
  note.sa_handler = [](int) { interrupted = 1; };
  note.sa_flags = SA_RESTART;  // an interrupted write of the answer is finished
  ::sigaction(SIGINT, &note, &before_interrupt);
}

Interrupt::~Interrupt() { ::sigaction(SIGINT, &before_interrupt, nullptr); }

void Interrupt::forget() { interrupted = 0; }

bool Interrupt::pressed() const { return interrupted != 0; }

}  // namespace troika::apps
