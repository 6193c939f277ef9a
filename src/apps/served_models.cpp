#include "apps/served_models.h"

#include <algorithm>

#include "apps/model_store.h"
#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"

namespace troika::apps {
namespace {

namespace fs = std::filesystem;

uint64_t bytes_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return fs::file_size(path, error);
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(path, error)) bytes += entry.is_regular_file() ? entry.file_size() : 0;
  return bytes;
}

int64_t time_of(const fs::path& path) {
  std::error_code error;
  const auto time = std::chrono::file_clock::to_sys(fs::last_write_time(path, error));
  return error ? 0 : std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void replace_all(std::string& text, const std::string& part, const std::string& by) {
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + by.size())) text.replace(at, part.size(), by);
}

// Where files lie is no business of clients: they are told of the model by its id, and of other files by their names.
std::string without_paths(std::string text, const ModelOptions& options, const std::string& id) {
  for (const fs::path& named : {options.engine.mmproj, options.engine.spill_folder}) {
    if (!named.empty()) replace_all(text, named.string(), named.filename().string());
  }
  replace_all(text, options.model, id);
  const fs::path folder = fs::path(options.model).parent_path();
  if (folder.has_filename()) replace_all(text, folder.string() + "/", "");
  return text;
}

// What is wrong with the model goes to the log as it is, and to clients without paths.
template <class Read>
auto without_paths_in_errors(const ModelOptions& options, const std::string& id, Read read) {
  try {
    return read();
  } catch (const std::exception& wrong) {
    log::error("{} ({}): {}", id, options.model, wrong.what());
    throw Error(without_paths(wrong.what(), options, id));
  }
}

// In Ollama's words, where it has some.
std::string status_of(const store::Progress& progress) {
  switch (progress.stage) {
    case store::Stage::waiting:
      return "waiting for another pull of this file";
    case store::Stage::checking:
      return "verifying sha256 digest";
    default:
      return "pulling " + (progress.digest.empty() ? progress.file : progress.digest.substr(0, 12));
  }
}

}  // namespace

ServedModels::ServedModels(ModelOptions options, const std::vector<std::string>& names, bool with_store,
                           ReplicaCounts replicas)
    : options_(std::move(options)), replicas_(std::move(replicas)) {
  try {
    if (with_store) store_ = open_store();
  } catch (const Error& error) {
    log::warn("models of the store are not served: {}", error.what());
  }
  for (const std::string& name : names) {
    const std::string id = id_of_model(name);
    const fs::path path = find_model(name);
    if (std::ranges::find(first_, id, &server::OfferedModel::id) != first_.end())
      fail("two models would be called '{}'; rename one of the files", id);
    std::error_code error;
    std::vector<std::string> aliases;
    if (!fs::exists(name, error)) aliases.push_back(name);  // a path is no business of clients
    first_.push_back({.id = id,
                      .aliases = aliases,
                      .bytes = bytes_of(path),
                      .created = time_of(path),
                      .pinned = true,
                      .replicas = replicas_.of_started(id)});
    paths_.push_back(path);
  }
}

std::vector<std::string> ServedModels::first_ids() const {
  std::vector<std::string> ids;
  for (const server::OfferedModel& model : first_) ids.push_back(model.id);
  return ids;
}

const store::Store& ServedModels::store() const {
  if (!store_) fail("this server was started without the store of models");
  return *store_;
}

fs::path ServedModels::path_in_store(const std::string& id) const {
  std::optional<store::Model> model;
  try {
    model = store().find(id);
  } catch (const Error& wrong) {  // names paths
    log::error("{}: {}", id, wrong.what());
    fail("the list of models cannot be read; the server's log says why");
  }
  if (!model) fail("'{}' is not here any more", id);
  return model->path;
}

std::vector<server::OfferedModel> ServedModels::offers() {
  std::vector<server::OfferedModel> offers = first_;
  if (!store_) return offers;
  for (const store::Model& model : store_->list()) {
    if (std::ranges::find(first_, model.name, &server::OfferedModel::id) != first_.end()) continue;
    offers.push_back({.id = model.name,
                      .bytes = model.bytes,
                      .created = model.modified,
                      .digest = model.digest,
                      .quantisation = model.quantisation,
                      .replicas = replicas_.of_stored(model.name)});
  }
  return offers;
}

ModelOptions ServedModels::options_of(const std::string& id) const {
  const auto first = std::ranges::find(first_, id, &server::OfferedModel::id);
  ModelOptions options = options_;
  options.model = (first == first_.end() ? path_in_store(id) : paths_[size_t(first - first_.begin())]).string();
  // Replicas answer at the same time: each has its part of the threads.
  const int replicas = first == first_.end() ? replicas_.of_stored(id) : first->replicas;
  if (replicas > 1) {
    const int threads = options.engine.threads > 0 ? options.engine.threads : platform::cpu().cores;
    options.engine.threads = std::max(1, threads / replicas);
  }
  return options;
}

std::unique_ptr<engine::Engine> ServedModels::load(const std::string& id, int replica,
                                                   const engine::LoadProgress& progress) {
  ModelOptions options = options_of(id);
  if (replica > 0) options.engine.spill_bytes = 0;  // one engine a model keeps pages on disk
  auto engine = without_paths_in_errors(options, id, [&] { return options.load(progress); });
  if (!engine->text().tokenizer) fail("{} has no tokenizer, so it cannot be served", id);
  const engine::ModelInfo& info = engine->model();
  log::info("{}: {:.0f} M parameters, {:.0f} MB, {} tokens of context", id, double(info.parameters) / 1e6,
            double(info.weight_bytes) / 1e6, info.context_length);
  return engine;
}

engine::FileFacts ServedModels::facts(const std::string& id) {
  const ModelOptions options = options_of(id);
  return without_paths_in_errors(
      options, id, [&] { return engine::read_facts(find_model(options.model), options.engine_options()); });
}

void ServedModels::pull(const std::string& name, const std::function<void(const server::PullProgress&)>& progress,
                        const std::stop_token& stop) {
  if (store::parse_name(name).kind == store::NameKind::url)
    fail("'{}' is an address; a server brings models of the hub only, `troika pull` others", name);
  const store::PullEvents events{.progress = [&](const store::Progress& p) {
    progress({.status = status_of(p), .digest = p.digest, .total = p.total, .completed = p.completed});
  }};
  store().pull(name, events, stop);
}

void ServedModels::copy(const std::string& from, const std::string& to) { store().copy(from, to); }

void ServedModels::remove(const std::string& name) { store().remove(name); }

}  // namespace troika::apps
