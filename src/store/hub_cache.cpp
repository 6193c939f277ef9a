#include "store/hub_cache.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/file_map.h"
#include "store/digest.h"
#include "store/durable_file.h"
#include "store/file_lock.h"
#include "store/name.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr size_t kMostFiles = 20'000;  // of a repository that are looked at
constexpr size_t kMostRefBytes = 4096;

std::string folder_name(const std::string& repository) {
  check(is_repository(repository), "a checked repository");
  std::string name = repository;
  return std::string(kPrefix) + name.replace(name.find('/'), 1, "--");
}

// "Qwen/Qwen3-8B-GGUF" of "models--Qwen--Qwen3-8B-GGUF"; "" of what is no such folder.
std::string repository_of(const std::string& folder) {
  if (!folder.starts_with(kPrefix)) return "";
  std::string name = folder.substr(kPrefix.size());
  size_t dashes = name.find("--");
  if (dashes == name.npos) return "";
  name.replace(dashes, 2, "/");
  return is_repository(name) ? name : "";
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  return entries;
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error || files.size() >= kMostFiles) break;
    std::string name = entry->path().lexically_relative(folder).generic_string();
    std::error_code gone;  // a link whose blob is missing
    if (is_repository_file(name) && entry->is_regular_file(gone)) files.push_back(std::move(name));
  }
  std::ranges::sort(files);
  return files;
}

// "" when it cannot be read: one damaged repository hides no other.
std::string commit_at(const fs::path& ref) {
  std::error_code error;
  if (!fs::is_regular_file(ref, error) || fs::file_size(ref, error) == 0) return "";
  std::string commit;
  try {
    commit = read_text_file(ref, kMostRefBytes);
  } catch (const Error&) {
    return "";
  }
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == ' ')) commit.pop_back();
  return commit;
}

// Where a snapshot's link leads; the path itself when it is a file of its own.
fs::path content_of(const fs::path& file) {
  if (!fs::is_symlink(fs::symlink_status(file))) return file;
  fs::path target = fs::read_symlink(file);
  return (target.is_absolute() ? target : file.parent_path() / target).lexically_normal();
}

// All blobs that the snapshots of a repository show.
std::set<fs::path> blobs_shown(const fs::path& repository) {
  std::set<fs::path> blobs;
  for (const fs::path& snapshot : entries_of(repository / "snapshots")) {
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(snapshot, error);
         entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      if (error) fail("{} cannot be read, so nothing is removed", snapshot.string());
      if (entry->is_symlink()) blobs.insert(content_of(entry->path()).filename());
    }
  }
  return blobs;
}

// Removes empty folders from `folder` up to, and without, `top`.
void prune(fs::path folder, const fs::path& top) {
  std::error_code error;
  while (folder != top && fs::is_empty(folder, error) && !error && fs::remove(folder, error))
    folder = folder.parent_path();
}

}  // namespace

fs::path HubCache::folder_of(const std::string& repository) const {
  std::string wanted = folder_name(repository);
  if (std::error_code error; fs::exists(root_ / wanted, error)) return root_ / wanted;
  for (const fs::path& entry : entries_of(root_)) {
    if (same_name(entry.filename().string(), wanted)) return entry;
  }
  return root_ / wanted;
}

Destination HubCache::place(const std::string& repository, const std::string& digest) const {
  check(is_sha256(digest) || is_git_hash(digest), "a checked digest");
  fs::path folder = folder_of(repository);
  return {.file = folder / "blobs" / digest,
          .part = folder / "blobs" / (digest + ".incomplete"),
          .lock = root_ / ".locks" / folder.filename() / (digest + ".lock")};
}

void HubCache::link(const std::string& repository, const std::string& commit, const std::string& file,
                    const std::string& digest) const {
  check(is_git_hash(commit) && is_repository_file(file), "a checked commit and file");
  fs::path folder = folder_of(repository), snapshot = folder / "snapshots" / commit, path = snapshot / file;
  make_folders(path.parent_path());
  if (fs::canonical(path.parent_path()) != (fs::canonical(snapshot) / file).parent_path().lexically_normal())
    fail("{} leads out of the cache through a symbolic link; move that away", path.parent_path().string());
  fs::path target = (folder / "blobs" / digest).lexically_relative(path.parent_path());
  std::error_code error;
  if (fs::is_symlink(path, error) && fs::read_symlink(path, error) == target) return;
  replace_link(path, target);
}

void HubCache::set_revision(const std::string& repository, const std::string& revision,
                            const std::string& commit) const {
  if (revision == commit) return;
  fs::path ref = folder_of(repository) / "refs" / revision;
  if (commit_at(ref) == commit) return;
  make_folders(ref.parent_path());
  replace_file(ref, commit);
}

std::vector<std::string> HubCache::repositories() const {
  std::vector<std::string> found;
  for (const fs::path& entry : entries_of(root_)) {
    std::string repository = repository_of(entry.filename().string());
    std::error_code error;
    if (!repository.empty() && fs::is_directory(entry, error)) found.push_back(std::move(repository));
  }
  return found;
}

std::vector<Snapshot> HubCache::snapshots(const std::string& repository, const std::string& revision) const {
  fs::path folder = folder_of(repository);
  std::string spelled = repository_of(folder.filename().string()),
              first = commit_at(folder / "refs" / revision);
  std::vector<std::pair<fs::file_time_type, Snapshot>> found;
  for (const fs::path& entry : entries_of(folder / "snapshots")) {
    std::string commit = entry.filename().string();
    std::error_code error;
    if (!is_git_hash(commit) || !fs::is_directory(entry, error)) continue;
    bool named = commit == first || commit == revision;
    if (!named && revision != "main") continue;
    auto time = named ? fs::file_time_type::max() : fs::last_write_time(entry, error);
    found.emplace_back(time, Snapshot{spelled, commit, entry, files_in(entry)});
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Snapshot> snapshots;
  for (auto& [time, snapshot] : found) snapshots.push_back(std::move(snapshot));
  return snapshots;
}

std::vector<Destination> HubCache::unfinished() const {
  constexpr std::string_view kEnd = ".incomplete";
  std::vector<Destination> found;
  for (const std::string& repository : repositories()) {
    for (const fs::path& entry : entries_of(folder_of(repository) / "blobs")) {
      std::string name = entry.filename().string();
      if (!name.ends_with(kEnd)) continue;
      name.resize(name.size() - kEnd.size());
      if (is_sha256(name) || is_git_hash(name)) found.push_back(place(repository, name));
    }
  }
  return found;
}

Removal HubCache::remove(const Snapshot& snapshot, std::span<const std::string> files) const {
  fs::path repository = folder_of(snapshot.repository), blobs = repository / "blobs",
           top = repository / "snapshots";
  auto refuse = [](const fs::path& path) {
    fail("{} leads out of the cache, so it is not removed", path.string());
  };
  fs::path root = fs::canonical(root_);
  for (const std::string& file : files) {
    fs::path path = snapshot.folder / file, content = content_of(path);
    fs::path expected = root / repository.filename() / "snapshots" / snapshot.commit / file;
    if (fs::canonical(path.parent_path()) != expected.parent_path()) refuse(path);
    if (content == path) continue;  // a cache without symbolic links has no blobs
    if (fs::weakly_canonical(blobs) != root / repository.filename() / "blobs") refuse(blobs);
    if (content.parent_path() != blobs.lexically_normal()) refuse(path);
  }

  Removal removal;
  std::set<fs::path> candidates;
  for (const std::string& file : files) {
    fs::path path = snapshot.folder / file, content = content_of(path);
    if (content == path) {
      removal.freed_bytes += fs::file_size(path);
    } else {
      candidates.insert(content.filename());
    }
    fs::remove(path);
    prune(path.parent_path(), top);
  }
  std::set<fs::path> needed = blobs_shown(repository);
  for (const fs::path& blob : candidates) {
    fs::path path = blobs / blob;
    std::error_code error;
    if (needed.contains(blob) || !fs::is_regular_file(fs::symlink_status(path, error))) continue;
    if (auto part = become_part(snapshot.repository, path)) {
      removal.parts.push_back(std::move(*part));
      continue;
    }
    uint64_t bytes = fs::file_size(path, error);
    if (fs::remove(path, error)) removal.freed_bytes += bytes;
  }
  return removal;
}

// None when it is not named by a checksum, or a pull of the same content has a part of its own.
std::optional<Destination> HubCache::become_part(const std::string& repository, const fs::path& blob) const {
  std::string digest = blob.filename().string();
  if (!is_sha256(digest) && !is_git_hash(digest)) return std::nullopt;
  Destination destination = place(repository, digest);
  std::error_code error;
  auto lock = FileLock::take_if_free(destination.lock);
  if (!lock) return std::nullopt;
  fs::rename(blob, destination.part, error);
  return error ? std::nullopt : std::optional(destination);
}

void HubCache::tidy(const std::string& repository) const {
  fs::path folder = folder_of(repository);
  std::error_code error;
  if (fs::is_symlink(folder, error)) return;  // what lies elsewhere is not ours
  for (const fs::path& ref : entries_of(folder / "refs")) {
    std::string commit = commit_at(ref);
    if (!commit.empty() && !fs::exists(folder / "snapshots" / commit, error)) fs::remove(ref, error);
  }
  bool empty = entries_of(folder / "snapshots").empty() && entries_of(folder / "blobs").empty();
  if (empty) fs::remove_all(folder, error);
}

}  // namespace troika::store
