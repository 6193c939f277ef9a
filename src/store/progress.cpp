#include "store/progress.h"

namespace troika::store {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::waiting: return "waiting";
    case Stage::checking: return "checking";
    case Stage::downloading: return "downloading";
    case Stage::done: return "done";
  }
  return "";
}

}  // namespace troika::store
