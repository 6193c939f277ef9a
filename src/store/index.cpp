#include "store/index.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_map.h"
#include "store/durable_file.h"
#include "store/file_lock.h"
#include "store/name.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr int kVersion = 1;

ordered_json to_json(const IndexEntry& e) {
  return {{"name", e.name},     {"repository", e.repository},
          {"commit", e.commit}, {"quantisation", e.quantisation},
          {"url", e.url},       {"path", e.path.string()},
          {"files", e.files},   {"bytes", e.bytes},
          {"digest", e.digest}, {"pulled_at", e.pulled_at}};
}

IndexEntry from_json(const ordered_json& json) {
  IndexEntry e{.name = json.at("name"),
               .repository = json.at("repository"),
               .commit = json.at("commit"),
               .quantisation = json.at("quantisation"),
               .url = json.at("url"),
               .path = json.at("path").get<std::string>(),
               .files = json.at("files"),
               .bytes = json.at("bytes"),
               .digest = json.at("digest"),
               .pulled_at = json.at("pulled_at")};
  bool hub_is_sane = e.repository.empty() || is_repository(e.repository);
  bool files_are_sane =
      std::ranges::all_of(e.files, [](const std::string& file) { return is_repository_file(file); });
  if (e.name.empty() || !e.path.is_absolute() || !hub_is_sane || !files_are_sane) fail("an entry is wrong");
  return e;
}

}  // namespace

std::vector<IndexEntry> Index::read() const {
  std::error_code error;
  if (!fs::exists(file(), error)) return {};
  try {
    std::vector<IndexEntry> entries;
    auto json = ordered_json::parse(read_text_file(file()));
    if (json.at("version") != kVersion) fail("it is of version {}", json.at("version").dump());
    for (const ordered_json& entry : json.at("models")) entries.push_back(from_json(entry));
    return entries;
  } catch (const std::exception& problem) {
    fail(
        "{} is damaged ({}); move it away: the hub's models stay, names of your own are lost, and what came "
        "from "
        "an address is to be pulled again",
        file().string(), shown(problem.what()));
  }
}

void Index::change(const std::function<void(std::vector<IndexEntry>&)>& change,
                   const std::stop_token& stop) const {
  make_folders(home_);
  FileLock lock(home_ / "index.lock", stop);
  std::vector<IndexEntry> entries = read();
  change(entries);
  ordered_json models = ordered_json::array();
  for (const IndexEntry& entry : entries) models.push_back(to_json(entry));
  replace_file(file(), ordered_json{{"version", kVersion}, {"models", models}}.dump(1) + "\n");
}

IndexEntry* find_entry(std::vector<IndexEntry>& entries, std::string_view name) {
  auto found =
      std::ranges::find_if(entries, [&](const IndexEntry& entry) { return same_name(entry.name, name); });
  return found == entries.end() ? nullptr : &*found;
}

const IndexEntry* find_file(const std::vector<IndexEntry>& entries, const fs::path& file) {
  auto end_of = [](const fs::path& path) { return path.parent_path().filename() / path.filename(); };
  auto found =
      std::ranges::find_if(entries, [&](const IndexEntry& e) { return end_of(e.path) == end_of(file); });
  return found == entries.end() ? nullptr : &*found;
}

void put_entry(std::vector<IndexEntry>& entries, IndexEntry entry) {
  if (IndexEntry* old = find_entry(entries, entry.name)) {
    *old = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
}

}  // namespace troika::store
