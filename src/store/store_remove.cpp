// Store::remove: a name goes, and with it the files that nothing else needs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "store/file_lock.h"
#include "store/gguf_names.h"
#include "store/hub_cache.h"
#include "store/store.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

// The files of a model in a snapshot. A projector stays as long as another model in its folder may use it.
std::vector<std::string> files_to_remove(const Snapshot& snapshot, const Model& model) {
  std::vector<GgufModel> models = models_among(snapshot.files);
  std::vector<std::string> files;
  bool alone = models.size() <= 1;
  for (const std::string& file : model.files) {
    bool there = std::ranges::find(snapshot.files, file) != snapshot.files.end();
    bool projector = model.files.size() > 1 && lower(file).find("mmproj") != std::string::npos;
    if (there && (alone || !projector)) files.push_back(file);
  }
  return files;
}

}  // namespace

void Store::fail_unknown(std::string_view name) const {
  std::vector<std::string> near = names_near(name);
  if (near.empty()) fail("there is no model '{}'; troika list shows what is here, troika list --zoo what can be had", shown(name));
  fail("there is no model '{}'; did you mean {}?", shown(name), fmt::join(near, " or "));
}

Removed Store::remove(std::string_view text) const {
  Meaning meaning = meaning_of(text);
  std::optional<Model> model = find_named(meaning);
  if (!model && !meaning.name.owner.empty()) {
    std::vector<Model> models = cached(meaning.name);
    if (models.size() > 1) {
      std::vector<std::string> names;
      for (const Model& one : models) names.push_back(one.name);
      fail("'{}' could be any of {}; say which", shown(text), fmt::join(names, ", "));
    }
    if (!models.empty()) model = models.front();
  }
  if (!model) fail_unknown(text);

  Removed removed;
  index_.change([&](std::vector<IndexEntry>& entries) {
    if (!model->named) {  // by what is in the cache; it may have a name for all that
      auto own = std::ranges::find_if(entries, [&](const IndexEntry& e) { return same_name(e.name, model->name); });
      if (own != entries.end() && own->path == model->path) model->named = true;
    }
    auto others = std::ranges::find_if(entries, [&](const IndexEntry& e) { return e.path == model->path && !same_name(e.name, model->name); });
    if (others != entries.end()) removed.kept_for = others->name;
    if (!model->named && !removed.kept_for.empty())
      fail("'{}' is what '{}' names; remove that", shown(text), removed.kept_for);
    if (removed.kept_for.empty()) removed.freed_bytes = remove_files(*model);
    std::erase_if(entries, [&](const IndexEntry& e) { return same_name(e.name, model->name); });
  });
  return removed;
}

std::vector<Destination> Store::unfinished() const {
  std::vector<Destination> found = HubCache(settings_.cache).unfinished();
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(settings_.home / "files", error)) {
    Destination place{.part = folder.path() / "incomplete", .lock = folder.path() / "lock"};
    if (fs::exists(place.part, error)) found.push_back(std::move(place));
  }
  std::erase_if(found, [](const Destination& place) {
    std::error_code gone;
    return !fs::is_regular_file(fs::symlink_status(place.part, gone)) || !is_free(place.lock);
  });
  return found;
}

uint64_t Store::unfinished_bytes() const {
  uint64_t bytes = 0;
  for (const Destination& place : unfinished()) {
    std::error_code error;
    if (uint64_t size = fs::file_size(place.part, error); !error) bytes += size;
  }
  return bytes;
}

uint64_t Store::remove_unfinished() const {
  uint64_t freed = 0;
  for (const Destination& place : unfinished()) {
    FileLock lock(place.lock, {});
    std::error_code error;
    uint64_t bytes = fs::file_size(place.part, error);
    if (!error && fs::remove(place.part, error)) freed += bytes;
  }
  return freed;
}

uint64_t Store::remove_files(const Model& model) const {
  if (model.files.empty()) return 0;  // a name for something that is not ours
  if (!model.repository.empty()) {
    HubCache cache(settings_.cache);
    for (const Snapshot& snapshot : cache.snapshots(model.repository, model.commit)) {
      std::vector<std::string> files = files_to_remove(snapshot, model);
      // An index may name what an earlier cache folder held; only what lies in this cache is ours.
      if (!files.empty() && model.path.string().starts_with(snapshot.folder.string())) return cache.remove(snapshot, files);
    }
    return 0;
  }
  fs::path folder = model.path.parent_path(), ours = fs::canonical(settings_.home) / "files";
  if (fs::canonical(folder).parent_path() != ours || fs::is_symlink(model.path))
    fail("{} does not lie in {}, so it is not removed", model.path.string(), ours.string());
  uint64_t bytes = fs::file_size(model.path);
  fs::remove_all(folder);
  return bytes;
}

}  // namespace troika::store
