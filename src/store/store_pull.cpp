// Store::pull: what a name means on the hub, what of it is missing here, and each file brought, linked and named.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "store/digest.h"
#include "store/download.h"
#include "store/durable_file.h"
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
  plan.missing_bytes += piece.source.bytes - std::min(piece.source.bytes, bytes_here(piece.source, piece.place));
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
      answer.headers["content-length"] = answer.status == 206 ? range.substr(range.find('/') + 1) : answer.header("content-length");
      source.bytes = answer.number("content-length").value_or(0);
      source.etag = answer.status == 206 ? strong_etag(answer.header("etag")) : "";
      if (source.bytes == 0) fail("{} does not say how long {} is", answer.host, name.file);
      return source;
    }
    if (!may_pass(answer)) throw Error(explain(answer, name.url, "", settings));
    patience.wait(explain(answer, name.url, "", settings), answer.retry_after());
  }
}

}  // namespace

Model Store::pull(std::string_view text, const PullEvents& events, const std::stop_token& stop) const {
  Meaning meaning = meaning_of(text);
  if (meaning.name.kind == NameKind::url) return pull_url(meaning.name, events, stop);
  if (!meaning.name.owner.empty()) return pull_from_hub(meaning, events, stop);
  if (auto model = find_named(meaning)) {
    if (model->repository.empty()) fail("'{}' is a name for {}: there is nothing to pull", model->name, model->path.string());
    return pull(model->quantisation.empty() ? model->repository : model->repository + ":" + model->quantisation, events, stop);
  }
  fail_unknown(text);
}

Model Store::pull_from_hub(const Meaning& meaning, const PullEvents& events, const std::stop_token& stop) const {
  Hub hub(settings_);
  HubCache cache(settings_.cache);
  HubRepository repository = hub.look_up(meaning.name, stop);
  std::vector<std::string> names;
  for (const HubFile& file : repository.files) names.push_back(file.name);
  std::string usual(meaning.zoo.model ? meaning.zoo.model->quantisation : kUsualQuantisation);
  PullChoice choice = choose_files(names, meaning.name, usual, meaning.zoo.model ? meaning.zoo.model->mmproj : "");

  std::string tag = choice.folder ? "" : choice.quantisation.empty() ? choice.files.front() : choice.quantisation;
  std::string name = meaning.zoo.model ? meaning.canonical() : repository.name + (tag.empty() ? "" : ":" + tag);
  PullPlan plan{.name = name, .source = repository.name, .quantisation = choice.quantisation, .note = choice.note};
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
  IndexEntry entry{.name = name,
                   .repository = snapshots.front().repository,
                   .commit = repository.commit,
                   .quantisation = choice.quantisation,
                   .path = choice.folder ? snapshots.front().folder : snapshots.front().folder / choice.files.front(),
                   .files = choice.files,
                   .bytes = plan.bytes,
                   .digest = pieces.front().source.digest,
                   .pulled_at = std::time(nullptr)};
  index_.change([&](std::vector<IndexEntry>& entries) { put_entry(entries, entry); });
  return {.name = name,
          .repository = entry.repository,
          .commit = entry.commit,
          .quantisation = entry.quantisation,
          .path = entry.path,
          .files = entry.files,
          .bytes = entry.bytes,
          .digest = entry.digest,
          .modified = entry.pulled_at,
          .named = true};
}

Model Store::pull_url(const Name& name, const PullEvents& events, const std::stop_token& stop) const {
  check_online(settings_, name.url);
  std::string own = lower(name.file.substr(0, name.file.rfind('.')));
  check_new_name(own);
  for (const IndexEntry& entry : index_.read()) {
    if (same_name(entry.name, own) && entry.url != name.url) {
      fail("'{0}' names another model already: remove it (troika rm {0}), or rename it first (troika cp {0} NEW)", own);
    }
  }
  FileSource source = probe(name, settings_, stop);
  // A folder for each version: what another left unfinished is never continued.
  fs::path folder = settings_.home / "files" / sha256_of(fmt::format("{} {} {}", name.url, source.etag, source.bytes)).substr(0, 32);
  Piece piece{std::move(source), {folder / name.file, folder / "incomplete", folder / "lock"}};
  std::optional<Model> before = find(name.url);
  if (before && before->path == piece.place.file) piece.source.digest = piece.source.etag.empty() ? "" : before->digest;
  PullPlan plan{.name = own, .source = name.url, .quantisation = quantisation_of(name.file)};
  add_to_plan(plan, piece);
  events.planned(plan);
  std::string digest = download(piece.source, piece.place, settings_, events.progress, stop);
  IndexEntry entry{.name = own,
                   .quantisation = plan.quantisation,
                   .url = name.url,
                   .path = piece.place.file,
                   .files = {name.file},
                   .bytes = piece.source.bytes,
                   .digest = digest,
                   .pulled_at = std::time(nullptr)};
  index_.change([&](std::vector<IndexEntry>& entries) { put_entry(entries, entry); });
  if (before && before->path != entry.path) remove_files(*before);
  auto model = find(name.url);
  check(model.has_value(), "the model that was just pulled");
  return *model;
}

}  // namespace troika::store
