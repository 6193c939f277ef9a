#include "apps/model_store.h"

#include <pthread.h>
#include <signal.h>

#include <thread>

#include "apps/pull_view.h"
#include "base/error.h"

namespace troika::apps {
namespace {

namespace fs = std::filesystem;

// While it lives, Ctrl-C and SIGTERM become a stop request, taken up by a thread of its own.
class StopOnSignal {
 public:
  StopOnSignal() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        constexpr timespec kLook{.tv_nsec = 100'000'000};
        if (::sigtimedwait(&signals_, nullptr, &kLook) > 0) source_.request_stop();
      }
    });
  }
  ~StopOnSignal() {
    thread_.request_stop();
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{}, before_{};
  std::stop_source source_;
  std::jthread thread_;
};

bool is_file(const std::string& name) {
  std::error_code error;
  return name.empty() || fs::exists(name, error) || fs::exists(shipped_models() / (name + ".gguf"), error);
}

}  // namespace

fs::path shipped_models() {
  std::error_code error;
  fs::path binary = fs::read_symlink("/proc/self/exe", error);
  fs::path installed = binary.parent_path().parent_path() / "share/troika/models";
  return !error && fs::is_directory(installed) ? installed : fs::path(TROIKA_MODELS_DIR);
}

store::Store open_store() { return store::Store(store::settings_from_environment(shipped_models() / "zoo.json")); }

store::Model pull_watched(const store::Store& store, const std::string& name, PullView view) {
  StopOnSignal stop;
  if (view == PullView::json) {
    JsonPullView shown;
    return store.pull(name, shown.events(), stop.token());
  }
  TerminalPullView shown;
  return store.pull(name, shown.events(), stop.token());
}

void pull_if_missing(const std::string& name) {
  if (is_file(name)) return;
  store::Store store = open_store();
  if (store.can_pull(name) && !store.find(name)) pull_watched(store, name, PullView::people);
}

}  // namespace troika::apps
