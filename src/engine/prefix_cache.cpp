#include "engine/prefix_cache.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace troika::engine {
namespace {

constexpr int P = ops::kPageTokens;
constexpr size_t kRoots = 256;  // room for so many, and for nodes whose pages are gone

uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (std::rotl(hash, 25) ^ word) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 32;
}

// How many keys both begin with.
template <class Keys>
int alike(const Keys& a, const Keys& b) {
  return static_cast<int>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

PrefixCache::PrefixCache(std::vector<KvPages> pools, const vision::HashKey& secret)
    : pools_(std::move(pools)), secret_(secret) {
  size_t nodes = kRoots;
  for (const KvPages& pool : pools_) nodes += pool.total();
  nodes_.resize(nodes);
  node_pages_.resize(nodes * pools_.size(), kNoPage);
  for (size_t node = nodes; node-- > 0;) unused_.push_back(static_cast<int32_t>(node));
  path_.reserve(nodes);
  unstored_.reserve(nodes);
}

// The keys of a picture's tokens tell which picture, what part of it, and how far the run reaches: the same picture beside
// another one is seen with that one's eyes. Negative, which no token is.
std::span<const PrefixCache::Key> PrefixCache::keys_of(const Sequence& sequence, int first, int count, Keys& keys) {
  std::copy_n(sequence.tokens.begin() + first, count, keys.begin());
  for (const SeenImage& image : sequence.images) {
    const int end = std::min(image.first + image.count, first + count);
    for (int position = std::max(image.first, first); position < end; ++position) {
      uint64_t hash = mix(mix(image.hash.low, image.hash.high), uint64_t(position - image.first));
      for (const TokenRun& run : sequence.runs) {
        if (run.first <= position && position < run.end)
          hash = mix(hash, uint64_t(position - run.first) << 32 | uint64_t(run.end - position));
      }
      keys[position - first] = static_cast<Key>(hash | uint64_t{1} << 63);
    }
  }
  return {keys.data(), size_t(count)};
}

int32_t PrefixCache::root_of(const Sequence& sequence) {
  for (const Root& root : roots_) {
    if (root.slice == sequence.slice && root.owner == sequence.owner) return root.node;
  }
  const std::string who = fmt::format("{} {}", sequence.slice, sequence.owner);
  const int32_t node = add_node(kNoText, {}, vision::hash_bytes(std::as_bytes(std::span(who)), secret_));
  if (node != kNoText) roots_.push_back({sequence.slice, sequence.owner, node});
  return node;
}

vision::Hash PrefixCache::name_after(const vision::Hash& text, std::span<const Key> keys) const {
  const vision::Hash own = vision::hash_bytes(std::as_bytes(keys), secret_);
  return vision::hash_bytes(std::as_bytes(std::span(&own, 1)), {text.low, text.high});
}

int32_t PrefixCache::add_node(int32_t parent, std::span<const Key> keys, const vision::Hash& name) {
  if (unused_.empty()) return kNoText;
  const int32_t id = unused_.back();
  unused_.pop_back();
  Node& node = nodes_[id];
  node = {.parent = parent, .count = static_cast<int>(keys.size()), .name = name};
  std::ranges::copy(keys, node.keys.begin());
  if (parent != kNoText) node.next_sibling = std::exchange(nodes_[parent].first_child, id);
  return id;
}

// A node that holds nothing and leads nowhere is no longer needed, and perhaps its parent neither.
void PrefixCache::drop_if_empty(int32_t id) {
  while (id != kNoText) {
    const Node& node = nodes_[id];
    const auto pages = std::span(node_pages_).subspan(size_t(id) * pools_.size(), pools_.size());
    if (node.users > 0 || node.first_child != kNoText ||
        std::ranges::any_of(pages, [](int32_t page) { return page != kNoPage; })) return;
    const int32_t parent = node.parent;
    if (parent == kNoText) {
      std::erase_if(roots_, [&](const Root& root) { return root.node == id; });
    } else {
      int32_t* link = &nodes_[parent].first_child;
      while (*link != id) link = &nodes_[*link].next_sibling;
      *link = node.next_sibling;
    }
    nodes_[id].count = 0;
    unused_.push_back(id);
    id = parent;
  }
}

bool PrefixCache::has_all_pages(int32_t node) {
  for (int group = 0; group < groups(); ++group) {
    if (page(node, group) == kNoPage) return false;
  }
  return true;
}

void PrefixCache::forget_pages(int32_t node) {
  for (int group = 0; group < groups(); ++group) {
    const int32_t known = std::exchange(page(node, group), kNoPage);
    if (known != kNoPage) pools_[group].name(known, kNoText);
  }
}

void PrefixCache::lose(int group, int32_t node) {
  page(node, group) = kNoPage;
  drop_if_empty(node);
}

int32_t PrefixCache::child_with(int32_t parent, std::span<const Key> keys) {
  int32_t child = nodes_[parent].first_child;
  while (child != kNoText && !std::ranges::equal(keys, std::span(nodes_[child].keys.data(), nodes_[child].count)))
    child = nodes_[child].next_sibling;
  return child;
}

// A longer text takes the place of incomplete pages that say no more than its beginning.
void PrefixCache::drop_beginnings_of(int32_t parent, std::span<const Key> keys) {
  for (int32_t child = nodes_[parent].first_child; child != kNoText;) {
    const Node& node = nodes_[child];
    const int32_t next = node.next_sibling;
    if (node.count < P && size_t(node.count) < keys.size() &&
        std::ranges::equal(std::span(node.keys.data(), node.count), keys.first(node.count))) {
      forget_pages(child);
      drop_if_empty(child);
    }
    child = next;
  }
}

// Whether a token at `position` finds all that it looks at, in every group with a window.
bool PrefixCache::covers(std::span<const int32_t> path, int position) {
  for (int group = 0; group < groups(); ++group) {
    if (pools_[group].window() == 0) continue;
    for (int i = pools_[group].first_needed(position) / P; i < position / P; ++i) {
      if (page(path[i], group) == kNoPage) return false;
    }
  }
  return true;
}

void PrefixCache::stand_at(Sequence& sequence, int32_t node) {
  const int32_t before = std::exchange(sequence.text, node);
  if (node != kNoText) ++nodes_[node].users;
  if (before == kNoText) return;
  --nodes_[before].users;
  drop_if_empty(before);
}

void PrefixCache::begin(Sequence& sequence) {
  sequence.shared_pages = 0;
  stand_at(sequence, root_of(sequence));
  if (sequence.all_outputs || sequence.text == kNoText) return;
  Keys keys;
  path_.clear();
  int32_t at = sequence.text;
  for (int first = 0; first + P < static_cast<int>(sequence.tokens.size()); first += P) {
    at = child_with(at, keys_of(sequence, first, P, keys));
    if (at == kNoText) break;
    path_.push_back(at);
  }
  int whole = static_cast<int>(path_.size());
  for (int group = 0; group < groups(); ++group) {
    if (pools_[group].window() > 0) continue;
    for (int i = 0; i < whole; ++i) {
      if (page(path_[i], group) == kNoPage) whole = i;
    }
  }
  while (whole > 0 && (before_run(sequence.runs, whole * P) != whole * P || !covers(path_, whole * P))) --whole;
  if (whole == 0) return;
  for (int group = 0; group < groups(); ++group) {
    PageList& list = sequence.pages[group];
    list.assign(whole, kNoPage);
    for (int i = pools_[group].first_needed(whole * P) / P; i < whole; ++i) {
      list[i] = page(path_[i], group);
      pools_[group].share(list[i]);
    }
  }
  for (int i = 0; i < whole && sequence.slice == 0; ++i) nodes_[path_[i]].taken_over = true;  // others stay off the disk
  stand_at(sequence, path_[whole - 1]);
  sequence.shared_pages = whole;
  sequence.computed = whole * P;
}

void PrefixCache::begin_within_page(Sequence& sequence, std::vector<PageCopy>& copies) {
  if (sequence.all_outputs || sequence.text == kNoText) return;
  Keys storage;
  const int most = std::min(P, sequence.outstanding() - 1);
  if (most <= 0) return;
  const auto keys = keys_of(sequence, sequence.computed, most, storage);
  int32_t best = kNoText;
  int longest = 0;
  for (int32_t child = nodes_[sequence.text].first_child; child != kNoText; child = nodes_[child].next_sibling) {
    int common = alike(keys, std::span<const Key>(nodes_[child].keys.data(), nodes_[child].count));
    common = before_run(sequence.runs, sequence.computed + common) - sequence.computed;
    if (common <= longest || !has_all_pages(child)) continue;
    longest = common;
    best = child;
  }
  if (best == kNoText) return;
  for (int group = 0; group < groups(); ++group) pools_[group].share(page(best, group));
  const bool room = std::ranges::all_of(pools_, [](const KvPages& pool) { return pool.available() > 0; });
  for (int group = 0; group < groups(); ++group) {
    const int32_t from = page(best, group);
    if (room && take(group, sequence.pages[group])) copies.push_back({group, from, sequence.pages[group].back()});
    pools_[group].give_back(from);
  }
  if (room) sequence.computed += longest;
}

void PrefixCache::learn(Sequence& sequence) {
  Keys storage;
  while (sequence.text != kNoText && (sequence.shared_pages + 1) * P <= sequence.computed) {
    const int index = sequence.shared_pages;
    const auto keys = keys_of(sequence, index * P, P, storage);
    int32_t node = child_with(sequence.text, keys);
    if (node == kNoText) {
      node = add_node(sequence.text, keys, name_after(nodes_[sequence.text].name, keys));
      if (node == kNoText) return;  // more texts than room to know them
      drop_beginnings_of(sequence.text, keys);
      if (keeps_unstored_ && sequence.slice == 0 && unstored_.size() < unstored_.capacity()) unstored_.push_back(node);
    }
    stand_at(sequence, node);
    share(sequence, node, index);
    ++sequence.shared_pages;
  }
}

// The sequence reads the node's pages in place of its own, which hold the same; or they become the node's.
void PrefixCache::share(Sequence& sequence, int32_t node, int index) {
  for (int group = 0; group < groups(); ++group) {
    int32_t &own = sequence.pages[group][index], &known = page(node, group);
    if (own == kNoPage || own == known) continue;
    if (known == kNoPage) {
      known = own;
      pools_[group].name(own, node);
      continue;
    }
    pools_[group].share(known);
    pools_[group].give_back(std::exchange(own, known));
  }
}

void PrefixCache::end(Sequence& sequence, bool keep) {
  learn(sequence);
  const int first = sequence.shared_pages * P, rest = sequence.computed - first;
  Keys storage;
  if (keep && sequence.text != kNoText && rest > 0 && rest < P) {
    const auto keys = keys_of(sequence, first, rest, storage);
    const auto says_more = [&](int32_t child) {
      return nodes_[child].count >= rest && std::ranges::equal(keys, std::span(nodes_[child].keys.data(), rest));
    };
    int32_t child = nodes_[sequence.text].first_child;
    while (child != kNoText && !says_more(child)) child = nodes_[child].next_sibling;
    const int32_t node = child == kNoText ? add_node(sequence.text, keys, {}) : kNoText;
    if (node != kNoText) {
      drop_beginnings_of(sequence.text, keys);
      share(sequence, node, sequence.shared_pages);
    }
  }
  for (int group = 0; group < groups(); ++group) pools_[group].give_back(sequence.pages[group]);
  stand_at(sequence, kNoText);
  sequence.shared_pages = 0;
}

bool PrefixCache::go_on(Sequence& sequence, uint32_t groups) {
  Keys storage;
  const int32_t child = child_with(sequence.text, keys_of(sequence, sequence.computed, P, storage));
  if (child == kNoText) return false;
  for (int group = 0; group < this->groups(); ++group) {
    if (groups >> group & 1 && page(child, group) == kNoPage) return false;
  }
  for (int group = 0; group < this->groups(); ++group) {
    const int32_t known = groups >> group & 1 ? page(child, group) : kNoPage;
    sequence.pages[group].push_back(known);
    if (known != kNoPage) pools_[group].share(known);
  }
  stand_at(sequence, child);
  ++sequence.shared_pages;
  sequence.computed += P;
  return true;
}

int32_t PrefixCache::next_unstored() {
  while (!unstored_.empty()) {
    const int32_t text = unstored_.back();
    unstored_.pop_back();
    if (nodes_[text].count == P) return text;  // else it is gone, and another one has its place
  }
  return kNoText;
}

bool PrefixCache::take(int group, PageList& list) {
  const auto taken = pools_[group].take();
  if (!taken) return false;
  if (taken->lost != kNoText) lose(group, taken->lost);
  list.push_back(taken->page);
  return true;
}

}  // namespace troika::engine
