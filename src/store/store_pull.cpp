// Store::pull: what a name means on the hub, what of it is missing here, and each file brought, linked and
// named.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "store/digest.h"
#include "store/download.h"
#include "store/gguf_names.h"
#include "store/hub.h"
#include "store/hub_cache.h"
#include "store/patience.h"
#include "store/pull_choice.h"
#include "store/store.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

struct Piece {
  FileSource source;
  Destination place;
};

void add_to_plan(PullPlan& plan, const Piece& piece) {
  plan.files.push_back({piece.source.name, piece.source.bytes});
  plan.bytes += piece.source.bytes;
  plan.missing_bytes +=
      piece.source.bytes - std::min(piece.source.bytes, bytes_here(piece.source, piece.place));
}

// A file anywhere, as its server describes it: how long it is, and the etag that tells its versions apart.
FileSource probe(const Name& name, const Settings& settings, const std::stop_token& stop) {
  FileSource source{.url = name.url, .name = name.file};
  Patience patience(settings, stop);
  for (;;) {
    // The first byte alone: a signed URL may allow GET and forbid HEAD.
    HttpAnswer answer = request(
        with_token({.url = name.url, .range = "0-0"}, settings),
        [](const HttpAnswer& hop) { return hop.status / 100 == 3; }, [](std::span<const char>) {}, stop);
    if (answer.transport == Transport::ok && answer.status / 100 == 2) {
      std::string range = answer.header("content-range");
      answer.headers["content-length"] =
          answer.status == 206 ? range.substr(range.find('/') + 1) : answer.header("content-length");
      source.bytes = answer.number("content-length").value_or(0);
      source.etag = answer.status == 206 ? strong_etag(answer.header("etag")) : "";
      if (source.bytes == 0) fail("{} does not say how long {} is", answer.host, name.file);
      return source;
    }
    if (!may_pass(answer)) throw Error(explain(answer, name.url, "", settings));
    patience.wait(explain(answer, name.url, "", settings), answer.retry_after());
  }
}

void check_not_taken(std::vector<IndexEntry>& entries, const std::string& name, const std::string& url) {
  if (const IndexEntry* entry = find_entry(entries, name); entry && entry->url != url) {
    fail(
        "'{0}' names another model already: remove it (troika rm {0}), or keep it under another name "
        "(troika cp {0} NEW, then rm)",
        name);
  }
}

}  // namespace

Model Store::pull(std::string_view text, const PullEvents& events, const std::stop_token& stop) const {
  Meaning meaning = meaning_of(text);
  if (meaning.name.kind == NameKind::url) return pull_url(meaning.name, events, stop);
  if (!meaning.name.owner.empty()) return pull_from_hub(meaning, events, stop);
  if (auto model = find_named(meaning)) {
    if (model->repository.empty())
      fail("'{}' is a name for {}: there is nothing to pull", model->name, model->path.string());
    return pull(
        model->quantisation.empty() ? model->repository : model->repository + ":" + model->quantisation,
        events, stop);
  }
  fail_unknown(text);
}

Model Store::pull_from_hub(const Meaning& meaning, const PullEvents& events,
                           const std::stop_token& stop) const {
  Hub hub(settings_);
  HubCache cache(settings_.cache);
  HubRepository repository = hub.look_up(meaning.name, stop);
  std::vector<std::string> names;
  for (const HubFile& file : repository.files) names.push_back(file.name);
  std::string usual(meaning.zoo.model ? meaning.zoo.model->quantisation : kUsualQuantisation);
  PullChoice choice =
      choose_files(names, meaning.name, usual, meaning.zoo.model ? meaning.zoo.model->mmproj : "");

  std::string tag = choice.folder                 ? ""
                    : choice.quantisation.empty() ? choice.files.front()
                                                  : choice.quantisation;
  std::string name =
      meaning.zoo.model ? meaning.canonical() : repository.name + (tag.empty() ? "" : ":" + tag);
  PullPlan plan{
      .name = name, .source = repository.name, .quantisation = choice.quantisation, .note = choice.note};
  std::vector<Piece> pieces;
  for (const std::string& file : choice.files) {
    auto listed = std::ranges::find(repository.files, file, &HubFile::name);
    FileSource source = hub.source_of(repository, *listed, stop);
    Destination place = cache.place(repository.name, source.digest);
    pieces.push_back({std::move(source), std::move(place)});
    add_to_plan(plan, pieces.back());
  }
  events.planned(plan);
  check_room(settings_.cache, plan.missing_bytes, settings_);

  for (const Piece& piece : pieces) {
    download(piece.source, piece.place, settings_, events.progress, stop);
    cache.link(repository.name, repository.commit, piece.source.name, piece.source.digest);
  }
  cache.set_revision(repository.name, meaning.name.revision, repository.commit);

  auto snapshots = cache.snapshots(repository.name, repository.commit);
  check(!snapshots.empty(), "the snapshot that was just made");
  IndexEntry entry{
      .name = name,
      .repository = snapshots.front().repository,
      .commit = repository.commit,
      .quantisation = choice.quantisation,
      .path = choice.folder ? snapshots.front().folder : snapshots.front().folder / choice.files.front(),
      .files = choice.files,
      .bytes = plan.bytes,
      .digest = pieces.front().source.digest,
      .pulled_at = std::time(nullptr)};
  index_.change(
      [&](std::vector<IndexEntry>& entries) {
        for (const std::string& file : entry.files) {  // exists() follows the link: its content has to be there
          if (!fs::exists(snapshots.front().folder / file)) fail("{} was removed meanwhile; pull again", file);
        }
        put_entry(entries, entry);
      },
      stop);
  return from_entry(entry);
}

Model Store::pull_url(const Name& name, const PullEvents& events, const std::stop_token& stop) const {
  check_online(settings_, name.url);
  std::string own = lower(name.file.substr(0, name.file.rfind('.')));
  check_new_name(own);
  std::vector<IndexEntry> known = index_.read();
  check_not_taken(known, own, name.url);
  FileSource source = probe(name, settings_, stop);
  // A folder for each version: what another left unfinished is never continued.
  fs::path folder = settings_.home / "files" /
                    sha256_of(fmt::format("{} {} {}", name.url, source.etag, source.bytes)).substr(0, kFolderDigits);
  Piece piece{std::move(source), {folder / name.file, folder / "incomplete", folder / "lock"}};
  const IndexEntry* same = find_file(known, piece.place.file);
  if (same && !piece.source.etag.empty()) piece.source.digest = same->digest;
  PullPlan plan{.name = own, .source = name.url, .quantisation = quantisation_of(name.file)};
  add_to_plan(plan, piece);
  events.planned(plan);
  IndexEntry entry{.name = own,
                   .quantisation = plan.quantisation,
                   .url = name.url,
                   .path = piece.place.file,
                   .files = {name.file},
                   .bytes = piece.source.bytes,
                   .pulled_at = std::time(nullptr)};
  std::optional<Destination> earlier;  // the file that the name had until now
  auto put = [&](std::vector<IndexEntry>& entries) {
    check_not_taken(entries, own, name.url);  // another pull may have ended first
    if (!fs::exists(entry.path)) fail("{} was removed meanwhile; pull again", entry.path.string());
    if (IndexEntry* before = find_entry(entries, own); before && before->path != entry.path)
      earlier = own_place(before->path);
    put_entry(entries, entry);
  };
  download(piece.source, piece.place, settings_, events.progress, stop, [&](const std::string& digest) {
    entry.digest = digest;
    index_.change(put, stop);
  });
  if (earlier) delete_parts({*earlier});  // unless it has another name
  return from_entry(entry);
}

}  // namespace troika::store
