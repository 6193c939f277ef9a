// Which texts lie in the cache: a tree of pages. Every path from a root spells a text, P tokens a node (only a leaf has
// fewer), and each node names the page of every group where the keys and values of its tokens lie. Texts of one owner and
// slice that begin alike read the same pages, while they run and after they ended, until the pages are needed: the one
// read longest ago is taken first, ends of texts before their beginnings. After RadixAttention (L. Zheng et al., "SGLang",
// arXiv:2312.07104). Arithmetic on plain data, used by the engine's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/kv_pages.h"
#include "engine/sequence.h"

namespace troika::engine {

// Page `to` of a group becomes like `from`, before the step that reads it.
struct PageCopy {
  int group = 0;
  int32_t from = kNoPage, to = kNoPage;
};

class PrefixCache {
 public:
  // What stands at a position: a token, or a place in a picture and in the run it is part of.
  using Key = int64_t;
  using Keys = std::array<Key, ops::kPageTokens>;

  // One pool of pages for each page group. Texts are named by hashes made with `secret`.
  explicit PrefixCache(std::vector<KvPages> pools, const vision::HashKey& secret = {});

  // The sequence, which has no pages, gets those of the longest beginning that is known, in whole pages, and counts
  // their tokens as computed. The last token is always computed anew, since its logits are wanted, and no run is cut in two.
  void begin(Sequence& sequence);

  // After begin: if its text goes on as a known one does for a part of the next page, that page is copied. Adds to
  // `copies`, one for each group, or nothing when no page is free.
  void begin_within_page(Sequence& sequence, std::vector<PageCopy>& copies);

  // Makes known what became whole pages of the sequence since the last call. Where another sequence computed the same,
  // its pages are read from now on, and the ones that were filled twice are free.
  void learn(Sequence& sequence);

  // Gives all pages back. `keep`: the last, incomplete page is known too from now on.
  void end(Sequence& sequence, bool keep);

  // A page of the group for the end of the list, which nobody else reads. False when there is none.
  bool take(int group, PageList& list);

  // The sequence, which ends with a known text, goes on with the page behind it, if that is known and has a page in each of
  // these groups (bit g).
  bool go_on(Sequence& sequence, uint32_t groups);

  // Whole pages that are known and whose text has not been asked for here yet, in any order; kNoText: none. They may
  // have been lost since: page_of says so.
  int32_t next_unstored();
  bool has_unstored() const { return !unstored_.empty(); }
  // Counts as not asked for what was taken over since it was last asked for, where `is_lost` says so of its name.
  template <class IsLost>
  void ask_again(IsLost is_lost) {
    for (size_t text = 0; text < nodes_.size() && unstored_.size() < unstored_.capacity(); ++text) {
      Node& node = nodes_[text];
      if (node.count < ops::kPageTokens || !node.taken_over || !is_lost(node.name)) continue;
      node.taken_over = false;
      unstored_.push_back(static_cast<int32_t>(text));
    }
  }
  void keep_unstored(bool keep) { keeps_unstored_ = keep; }
  const vision::Hash& name_of(int32_t text) const { return nodes_[text].name; }
  int32_t parent_of(int32_t text) const { return nodes_[text].parent; }  // the text without its last page; kNoText: of none
  std::span<const Key> keys_of(int32_t text) const { return {nodes_[text].keys.data(), size_t(nodes_[text].count)}; }
  int32_t page_of(int32_t text, int group) const { return node_pages_[size_t(text) * pools_.size() + group]; }

  // The name of a text that goes on with these keys, and the keys of `count` tokens of a sequence.
  vision::Hash name_after(const vision::Hash& text, std::span<const Key> keys) const;
  static std::span<const Key> keys_of(const Sequence& sequence, int first, int count, Keys& keys);

  KvPages& pool(int group) { return pools_[group]; }
  const KvPages& pool(int group) const { return pools_[group]; }
  int groups() const { return static_cast<int>(pools_.size()); }

 private:
  struct Node {
    int32_t parent = kNoText, first_child = kNoText, next_sibling = kNoText;
    int users = 0;  // sequences whose whole pages end here
    int count = 0;  // tokens; 0: a root
    bool taken_over = false;  // by a text that came later
    vision::Hash name;  // of the whole text up to here
    Keys keys;
  };
  struct Root {
    int slice = 0;
    std::string owner;
    int32_t node = kNoText;
  };

  int32_t root_of(const Sequence& sequence);
  int32_t add_node(int32_t parent, std::span<const Key> keys, const vision::Hash& name);
  void drop_if_empty(int32_t node);
  int32_t& page(int32_t node, int group) { return node_pages_[size_t(node) * pools_.size() + group]; }
  bool has_all_pages(int32_t node);
  void forget_pages(int32_t node);
  void lose(int group, int32_t node);
  int32_t child_with(int32_t parent, std::span<const Key> keys);
  void drop_beginnings_of(int32_t parent, std::span<const Key> keys);
  bool covers(std::span<const int32_t> path, int position);
  void stand_at(Sequence& sequence, int32_t node);
  void share(Sequence& sequence, int32_t node, int index);

  std::vector<KvPages> pools_;  // by page group
  std::vector<Node> nodes_;
  std::vector<int32_t> node_pages_;  // [nodes, groups]
  std::vector<int32_t> unused_;      // nodes
  std::vector<Root> roots_;
  std::vector<int32_t> path_;
  vision::HashKey secret_;
  bool keeps_unstored_ = false;
  std::vector<int32_t> unstored_;  // texts
};

}  // namespace troika::engine
