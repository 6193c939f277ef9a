// Store::remove: a name goes, and with it the files that nothing else needs. What goes is decided under the
// index's lock; there it becomes an unfinished download, which is deleted when the lock is free again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "store/digest.h"
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

// A file that came from an address has a folder to itself, with its lock, which is held; that goes with it.
void remove_folder_of_lock(const Destination& place) {
  fs::path folder = place.lock.parent_path();
  std::error_code error;
  bool alone = folder == place.part.parent_path() &&
               std::distance(fs::directory_iterator(folder, error), fs::directory_iterator()) == 1;
  if (alone && fs::remove(place.lock, error)) fs::remove(folder, error);
}

}  // namespace

void Store::fail_unknown(std::string_view name) const {
  std::vector<std::string> near = names_near(name);
  if (near.empty())
    fail("there is no model '{}'; troika list shows what is here, troika list --zoo what can be had",
         shown(name));
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
  Removal removal;
  index_.change([&](std::vector<IndexEntry>& entries) {
    if (!model->named) {  // by what is in the cache; it may have a name for all that
      auto own =
          std::ranges::find_if(entries, [&](const IndexEntry& e) { return same_name(e.name, model->name); });
      if (own != entries.end() && own->path == model->path) model->named = true;
    }
    auto others = std::ranges::find_if(entries, [&](const IndexEntry& e) {
      return e.path == model->path && !same_name(e.name, model->name);
    });
    if (others != entries.end()) removed.kept_for = others->name;
    if (!model->named && !removed.kept_for.empty())
      fail("'{}' is what '{}' names; remove that", shown(text), removed.kept_for);
    if (removed.kept_for.empty()) removal = take_away(*model);
    std::erase_if(entries, [&](const IndexEntry& e) { return same_name(e.name, model->name); });
  });
  removed.freed_bytes = removal.freed_bytes + delete_parts(removal.parts);
  bool was_in_cache = removed.kept_for.empty() && !model->files.empty() && !model->repository.empty();
  if (was_in_cache) HubCache(settings_.cache).tidy(model->repository);
  return removed;
}

std::vector<Destination> Store::unfinished() const {
  std::vector<Destination> found = HubCache(settings_.cache).unfinished();
  const std::vector<IndexEntry> entries = index_.read();
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(settings_.home / "files", error)) {
    for (const auto& file : fs::directory_iterator(folder, error)) {
      auto place = own_place(file.path());
      if (place && place->part != place->lock && !find_file(entries, place->part)) found.push_back(*place);
    }
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

uint64_t Store::remove_unfinished() const { return delete_parts(unfinished()); }

// But for those that a pull has taken up meanwhile: it holds their lock until they have a name.
uint64_t Store::delete_parts(const std::vector<Destination>& parts) const {
  uint64_t freed = 0;
  for (const Destination& place : parts) {
    auto lock = FileLock::take_if_free(place.lock);
    if (!lock || find_file(index_.read(), place.part)) continue;
    std::error_code error;
    uint64_t bytes = fs::file_size(place.part, error);
    if (!error && fs::remove(place.part, error)) freed += bytes;
    remove_folder_of_lock(place);
  }
  return freed;
}

Removal Store::take_away(const Model& model) const {
  if (model.files.empty()) return {};  // a name for something that is not ours
  if (model.repository.empty()) {
    std::optional<Destination> place = own_place(model.path);
    if (!place) {
      fail("{} does not lie in {}, so it is not removed", model.path.string(),
           (settings_.home / "files").string());
    }
    return {.parts = {*place}};
  }
  HubCache cache(settings_.cache);
  for (const Snapshot& snapshot : cache.snapshots(model.repository, model.commit)) {
    std::vector<std::string> files = files_to_remove(snapshot, model);
    // An index may name what an earlier cache folder held; only what lies in this cache is ours.
    if (!files.empty() && model.path.string().starts_with(snapshot.folder.string()))
      return cache.remove(snapshot, files);
  }
  return {};
}

// Of a file that came from an address: it needs no other place than the one that it has, once nothing names
// it. None when it does not lie where such files do, whatever an index or a link says.
std::optional<Destination> Store::own_place(const fs::path& file) const {
  fs::path folder = file.parent_path();
  std::error_code error;
  fs::path real = fs::canonical(folder, error), files = fs::canonical(settings_.home / "files", error);
  bool inside = !error && real.parent_path() == files && is_hex(folder.filename().string(), kFolderDigits);
  if (!inside || !fs::is_regular_file(fs::symlink_status(file, error))) return std::nullopt;
  return Destination{.part = file, .lock = folder / "lock"};
}

}  // namespace troika::store
