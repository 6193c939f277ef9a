// See store.h: what names mean and which models are here. How they come and go: store_pull.cpp,
// store_remove.cpp.
#include "store/store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "base/error.h"
#include "store/digest.h"
#include "store/gguf_names.h"
#include "store/hub_cache.h"
#include "store/pull_choice.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

int64_t modified_at(const fs::path& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? int64_t(about.st_mtime) : 0;
}

uint64_t bytes_of(const fs::path& folder, const std::vector<std::string>& files) {
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code error;
    uint64_t size = fs::file_size(folder / file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

// The blob's name, where the file is a link into the blobs.
std::string digest_of(const fs::path& file) {
  std::error_code error;
  std::string name = fs::read_symlink(file, error).filename().string();
  return is_sha256(name) || is_git_hash(name) ? name : "";
}

Model cached_model(const Snapshot& snapshot, std::string name, std::string quantisation, const fs::path& path,
                   const std::vector<std::string>& files) {
  return {.name = std::move(name),
          .repository = snapshot.repository,
          .commit = snapshot.commit,
          .quantisation = std::move(quantisation),
          .path = path,
          .files = files,
          .bytes = bytes_of(snapshot.folder, files),
          .digest = digest_of(snapshot.folder / files.front()),
          .modified = modified_at(path)};
}

// The GGUF models of a snapshot, or the safetensors folder that it is.
std::vector<Model> models_in(const Snapshot& snapshot) {
  std::vector<Model> models;
  for (GgufModel& gguf : models_among(snapshot.files)) {
    std::string tag = gguf.quantisation.empty() ? gguf.parts.front().substr(gguf.parts.front().rfind('/') + 1)
                                                : gguf.quantisation;
    std::vector<std::string> files = gguf.parts;
    if (std::string projector = choose_projector(snapshot.files, gguf, ""); !projector.empty())
      files.push_back(projector);
    models.push_back(cached_model(snapshot, snapshot.repository + ":" + tag, gguf.quantisation,
                                  snapshot.folder / gguf.parts.front(), files));
  }
  if (!models.empty()) return models;
  std::vector<std::string> folder = safetensors_folder(snapshot.files);
  if (folder.empty()) return {};
  return {cached_model(snapshot, snapshot.repository, "", snapshot.folder, folder)};
}

// How many letters of two names differ, roughly: edits to make one of the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

Store::Store(Settings settings)
    : settings_(std::move(settings)), zoo_(settings_.zoo), index_(settings_.home) {}

Model Store::from_entry(const IndexEntry& e) {
  return {.name = e.name,
          .repository = e.repository,
          .commit = e.commit,
          .quantisation = e.quantisation,
          .path = e.path,
          .files = e.files,
          .bytes = e.bytes,
          .digest = e.digest,
          .modified = e.pulled_at,
          .named = true};
}

// The name under which a model is kept.
std::string Store::Meaning::canonical() const {
  switch (name.kind) {
    case NameKind::plain:
      return zoo.model ? zoo.name() : name.plain;
    case NameKind::hub:
      return name.repository();
    case NameKind::url:
      return lower(name.file.substr(0, name.file.rfind('.')));
  }
  return "";
}

// A name of the zoo becomes its repository, too; what has been named so by `cp` comes first, see find_named.
Store::Meaning Store::meaning_of(std::string_view text) const {
  Meaning meaning{parse_name(text, settings_.endpoint), {}};
  if (meaning.name.kind != NameKind::plain) return meaning;
  meaning.zoo = zoo_.find(meaning.name.plain);
  if (!meaning.zoo.model) return meaning;
  const std::string& repository = meaning.zoo.model->repository;
  meaning.name.owner = repository.substr(0, repository.find('/'));
  meaning.name.repo = repository.substr(repository.find('/') + 1);
  meaning.name.quantisation = meaning.zoo.quantisation;
  return meaning;
}

std::optional<Model> Store::find_named(const Meaning& meaning) const {
  for (const IndexEntry& entry : index_.read()) {
    bool by_url = meaning.name.kind == NameKind::url && entry.url == meaning.name.url;
    bool by_name = meaning.name.kind == NameKind::plain &&
                   (same_name(entry.name, meaning.name.plain) || same_name(entry.name, meaning.canonical()));
    if ((by_url || by_name) && is_there(entry.path)) return from_entry(entry);
  }
  return std::nullopt;
}

// What the cache has of a repository that fits the name, in the order in which it would be chosen.
std::vector<Model> Store::cached(const Name& name) const {
  std::vector<Model> fitting;
  for (const Snapshot& snapshot : HubCache(settings_.cache).snapshots(name.repository(), name.revision)) {
    for (Model& model : models_in(snapshot)) {
      bool by_file = !name.file.empty() && std::ranges::find(model.files, name.file) != model.files.end();
      bool by_quantisation = name.file.empty() &&
                             (name.quantisation.empty() || same_name(name.quantisation, model.quantisation) ||
                              same_name("UD-" + name.quantisation, model.quantisation));
      bool known = std::ranges::find(fitting, model.name, &Model::name) != fitting.end();
      if ((by_file || by_quantisation) && !known) fitting.push_back(std::move(model));
    }
  }
  // "Q4_K_XL" means UD-Q4_K_XL only where there is none of that very name.
  auto is_exact = [&](const Model& model) { return same_name(name.quantisation, model.quantisation); };
  if (!name.quantisation.empty() && std::ranges::any_of(fitting, is_exact))
    std::erase_if(fitting, std::not_fn(is_exact));
  return fitting;
}

std::optional<Model> Store::find(std::string_view text) const {
  Meaning meaning = meaning_of(text);
  if (auto model = find_named(meaning)) return model;
  if (meaning.name.owner.empty()) return std::nullopt;
  std::vector<Model> models = cached(meaning.name);
  if (models.empty()) return std::nullopt;
  std::vector<GgufModel> quantisations;
  for (const Model& model : models) quantisations.push_back({model.quantisation, {model.name}});
  const GgufModel* best =
      meaning.zoo.model ? choose(quantisations, meaning.zoo.model->quantisation) : nullptr;
  if (!best) best = choose(quantisations, "");
  Model found = models[size_t(best - quantisations.data())];
  if (meaning.zoo.model) found.name = meaning.canonical();
  return found;
}

std::vector<Model> Store::list() const {
  std::vector<Model> models;
  for (const IndexEntry& entry : index_.read()) {
    if (is_there(entry.path)) models.push_back(from_entry(entry));
  }
  size_t named = models.size();
  HubCache cache(settings_.cache);
  for (const std::string& repository : cache.repositories()) {
    for (const Snapshot& snapshot : cache.snapshots(repository)) {
      for (Model& model : models_in(snapshot)) {
        auto same = [&](const Model& other) { return other.path == model.path || other.name == model.name; };
        bool known = std::any_of(models.begin(), models.begin() + ptrdiff_t(named),
                                 [&](const Model& other) { return other.path == model.path; }) ||
                     std::any_of(models.begin() + ptrdiff_t(named), models.end(), same);
        if (!known) models.push_back(std::move(model));
      }
    }
  }
  std::ranges::sort(models, {}, [](const Model& model) { return lower(model.name); });
  return models;
}

bool Store::is_name(std::string_view text) const noexcept {
  try {
    parse_name(text, settings_.endpoint);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool Store::can_pull(std::string_view text) const noexcept {
  try {
    Meaning meaning = meaning_of(text);
    return meaning.name.kind == NameKind::url || !meaning.name.owner.empty();
  } catch (const std::exception&) {
    return false;
  }
}

void Store::check_new_name(std::string_view name) const {
  if (!is_plain_name(name)) {
    fail(
        "'{}' cannot be a model's name: take letters, digits, dots, colons, dashes and underscores, "
        "beginning with a "
        "letter or a digit",
        shown(name));
  }
  if (zoo_.find(name).model) fail("'{}' is the name of a model to pull; take another", shown(name));
}

void Store::copy(std::string_view from, std::string_view to) const {
  check_new_name(to);
  std::optional<Model> model = find(from);
  if (!model) fail_unknown(from);
  index_.change([&](std::vector<IndexEntry>& entries) {
    // It may have been removed since it was found; then its files go, if they are not gone already.
    bool still_named = std::ranges::find(entries, model->path, &IndexEntry::path) != entries.end();
    if ((model->named && !still_named) || !is_there(model->path)) fail_unknown(from);
    IndexEntry* source = find_entry(entries, model->name);
    put_entry(entries, {.name = lower(to),
                        .repository = model->repository,
                        .commit = model->commit,
                        .quantisation = model->quantisation,
                        .url = source ? source->url : "",
                        .path = model->path,
                        .files = model->files,
                        .bytes = model->bytes,
                        .digest = model->digest,
                        .pulled_at = std::time(nullptr)});
  });
}

void Store::add(const fs::path& path, std::string_view name) const {
  check_new_name(name);
  std::error_code error;
  if (!fs::exists(path, error)) fail("{}: there is no such file or folder", path.string());
  fs::path whole = fs::canonical(path);
  uint64_t bytes = fs::is_directory(whole) ? 0 : fs::file_size(whole);
  if (fs::is_directory(whole)) {
    for (const auto& entry : fs::directory_iterator(whole))
      bytes += entry.is_regular_file() ? entry.file_size() : 0;
  }
  index_.change([&](std::vector<IndexEntry>& entries) {
    put_entry(entries, {.name = lower(name),
                        .quantisation = quantisation_of(whole.filename().string()),
                        .path = whole,
                        .bytes = bytes,
                        .pulled_at = std::time(nullptr)});
  });
}

std::vector<std::string> Store::names_near(std::string_view text) const {
  constexpr size_t kMost = 3;
  std::string wanted = lower(text.substr(0, 128));
  std::vector<std::pair<size_t, std::string>> ranked;
  auto consider = [&](const std::string& name) {
    std::string other = lower(name);
    bool part = wanted.size() >= 3 && other.find(wanted) != other.npos;
    size_t edits = distance(wanted, other);
    if (part || edits <= std::max<size_t>(2, wanted.size() / 4)) ranked.emplace_back(part ? 0 : edits, name);
  };
  for (const Model& model : list()) consider(model.name);
  for (const ZooModel& model : zoo_.models()) consider(model.name);
  std::ranges::sort(ranked);
  std::vector<std::string> names;
  for (const auto& [edits, name] : ranked) {
    if (names.size() < kMost && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace troika::store
