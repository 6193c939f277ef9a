#include "engine/spill.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/log.h"

namespace troika::engine {
namespace {
constexpr int P = ops::kPageTokens;
constexpr size_t kMostRead = size_t{32} << 20;  // bytes at once, while others wait
}  // namespace

Spill::Spill(std::unique_ptr<PageStore> store, PrefixCache& cache, Step& step, std::vector<size_t> page_bytes)
    : store_(std::move(store)), cache_(cache), step_(step), page_bytes_(std::move(page_bytes)) {
  buffer_.resize(std::accumulate(page_bytes_.begin(), page_bytes_.end(), size_t{0}));
  cache_.keep_unstored(true);
}

bool Spill::store() {
  const int32_t text = writes_ ? cache_.next_unstored() : kNoText;
  if (text == kNoText) return false;
  try {
    store(text);
  } catch (const std::exception& error) {
    stop_writing(error);
  }
  return writes_;
}

void Spill::stop_writing(const std::exception& why) {
  log::warn("nothing more is kept on disk: {}", why.what());
  cache_.keep_unstored(writes_ = false);
}

// The beginning first: a text is of use up to where something is missing.
void Spill::save(const Sequence& sequence) {
  if (!writes_ || sequence.slice != 0) return;
  texts_.clear();
  for (int32_t text = sequence.text; text != kNoText; text = cache_.parent_of(text)) texts_.push_back(text);
  try {
    for (auto text = texts_.rbegin(); text != texts_.rend(); ++text) store(*text);
  } catch (const std::exception& error) {
    stop_writing(error);
  }
}

// Texts that are asked for again and again are written again when the oldest records go, theirs among them.
void Spill::store(int32_t text) {
  uint32_t groups = 0;
  for (int g = 0; g < cache_.groups(); ++g) {
    if (cache_.page_of(text, g) != kNoPage) groups |= 1u << g;
  }
  const PageStore::Record* known = store_->find(cache_.name_of(text));
  if (groups == 0 || (known && (groups & ~known->groups) == 0)) return;
  const auto bytes = std::span(buffer_).first(store_->bytes_of(groups));
  size_t at = 0;
  for (int g = 0; g < cache_.groups(); ++g) {
    if (!(groups >> g & 1)) continue;
    step_.read_page(g, cache_.page_of(text, g), bytes.subspan(at, page_bytes_[g]));
    at += page_bytes_[g];
  }
  store_->write(cache_.name_of(text), cache_.keys_of(text), groups, bytes);
  if (std::exchange(dropped_, store_->dropped()) == store_->dropped()) return;
  cache_.ask_again([this](const vision::Hash& name) { return store_->find(name) == nullptr; });
}

// The groups in which a text of `end` pages needs this one.
uint32_t Spill::groups_needed(int page, int end) const {
  uint32_t groups = 0;
  for (int g = 0; g < cache_.groups(); ++g) {
    if (page >= cache_.pool(g).first_needed(end * P) / P) groups |= 1u << g;
  }
  return groups;
}

// Finds the records behind what the sequence has. Returns how many of its pages make a beginning that can be used: one
// that has all that a window looks back to, and ends in no run.
int Spill::find(const Sequence& sequence) {
  const int first = sequence.shared_pages;
  uint32_t always = 0;  // groups without a window
  for (int g = 0; g < cache_.groups(); ++g) always |= uint32_t(cache_.pool(g).window() == 0) << g;
  found_.clear();
  vision::Hash name = cache_.name_of(sequence.text);
  int end = first;
  for (int page = first; (page + 1) * P < static_cast<int>(sequence.tokens.size()); ++page) {
    PrefixCache::Keys storage;
    name = cache_.name_after(name, PrefixCache::keys_of(sequence, page * P, P, storage));
    const PageStore::Record* record = store_->find(name);
    if (!record || (always & ~record->groups) != 0) break;
    found_.push_back({name, record->groups});
    bool is_whole = before_run(sequence.runs, (page + 1) * P) == (page + 1) * P;
    for (int g = 0; is_whole && g < cache_.groups(); ++g) {
      if (always >> g & 1) continue;
      int at = std::max(first, cache_.pool(g).first_needed((page + 1) * P) / P);
      while (is_whole && at <= page) is_whole = found_[at++ - first].groups >> g & 1;
    }
    if (is_whole) end = page + 1;
  }
  return end;
}

bool Spill::restore(Sequence& sequence) {
  if (sequence.all_outputs || sequence.slice != 0) return true;
  cache_.begin(sequence);
  const int first = sequence.shared_pages;
  const int end = sequence.text == kNoText ? first : find(sequence);
  size_t bytes = 0;
  int page = first;
  for (; page < end && bytes < kMostRead; ++page) {
    const uint32_t groups = groups_needed(page, end);
    if (cache_.go_on(sequence, groups)) continue;
    if (!read(sequence, page, found_[page - first], groups)) break;
    if (groups != 0) bytes += store_->bytes_of(found_[page - first].groups);  // a record is read whole
    restored_tokens_ += P;
    if (sequence.shared_pages * P < sequence.computed) break;  // there is no room to know more
  }
  const bool has_more = page < end && bytes >= kMostRead && sequence.shared_pages * P == sequence.computed;
  cache_.end(sequence, false);
  sequence.computed = 0;
  return !has_more;
}

bool Spill::read(Sequence& sequence, int page, const Found& found, uint32_t groups) {
  PrefixCache::Keys storage;
  const auto keys = PrefixCache::keys_of(sequence, page * P, P, storage);
  for (int g = 0; g < cache_.groups(); ++g) {
    if (groups >> g & 1 && cache_.pool(g).available() == 0) return false;
  }
  const auto bytes = std::span(buffer_).first(store_->bytes_of(groups));
  if (groups != 0 && !store_->read(found.name, keys, groups, bytes)) return false;
  size_t at = 0;
  for (int g = 0; g < cache_.groups(); ++g) {
    PageList& list = sequence.pages[g];
    if (groups >> g & 1) {
      cache_.take(g, list);
      step_.write_page(g, list.back(), bytes.subspan(at, page_bytes_[g]));
      at += page_bytes_[g];
    } else {
      list.push_back(kNoPage);
    }
  }
  sequence.computed += P;
  cache_.learn(sequence);
  return true;
}

}  // namespace troika::engine
