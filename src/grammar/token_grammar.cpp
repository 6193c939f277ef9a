#include "grammar/token_grammar.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace troika::grammar {
namespace {

constexpr size_t kMostCached = 64, kMostCachedBytes = 256u << 20;

// Allows the tokens that end at a node.
struct Allow {
  const Vocabulary& vocabulary;
  TokenMask& mask;

  void operator()(uint32_t node) const {
    for (int32_t id : vocabulary.tokens_at(node)) mask.allow(id);
  }
};

}  // namespace

TokenGrammar::TokenGrammar(Compiled compiled, const Vocabulary& vocabulary, SharedMasks& shared)
    : notes_(std::move(compiled.notes)),
      automaton_(std::move(compiled.automaton)),
      vocabulary_(vocabulary),
      masks_(automaton_, vocabulary_, shared) {}

Matcher::Matcher(std::shared_ptr<const TokenGrammar> grammar)
    : grammar_(std::move(grammar)), machine_(grammar_->automaton()), walk_(grammar_->vocabulary()) {
  machine_.push_entered({grammar_->automaton().start(), CallTree::kBottom});
}

void Matcher::allow(TokenMask& mask) {
  mask.clear();
  const Vocabulary& vocabulary = grammar_->vocabulary();
  // Near the deepest nesting what a state allows depends on how much deeper it may go.
  const bool deep = machine_.depth(0) + vocabulary.longest() >= CallTree::kMostDepth;
  for (size_t i = 0; i < machine_.places(0).size(); ++i) {
    const Place place = machine_.places(0)[i];
    if (!grammar_->automaton().takes_bytes(place.state)) continue;
    const StateMask* known = deep ? nullptr : grammar_->masks().find(place.state);
    if (known) {
      add(*known, place, mask);
    } else {
      add_exactly(place, mask);
    }
  }
  if (!may_end()) return;
  for (int32_t id : vocabulary.end_tokens()) mask.allow(id);
}

void Matcher::add(const StateMask& known, Place place, TokenMask& mask) {
  const Vocabulary& vocabulary = grammar_->vocabulary();
  mask.add(known.words);
  if (known.plain_parts > 0) mask.add(vocabulary.plain_tokens(known.plain_parts));
  for (int32_t id : known.ids) mask.allow(id);
  if (known.returns.empty() || place.calls == CallTree::kBottom) return;
  const CallTree& calls = machine_.calls();
  machine_.push_entered({calls.back(place.calls), calls.below(place.calls)});
  for (uint32_t node : known.returns) {
    walk_.from_last_set(machine_, node + 1, vocabulary.end(node), Allow{vocabulary, mask}, [](uint32_t) {});
  }
  machine_.pop(1);
}

void Matcher::add_exactly(Place place, TokenMask& mask) {
  const Vocabulary& vocabulary = grammar_->vocabulary();
  const size_t plain = grammar_->masks().plain_parts(place.state);
  if (plain > 0) mask.add(vocabulary.plain_tokens(plain));
  for (const Vocabulary::Part& part : vocabulary.parts().subspan(plain)) {
    walk_.from_place(machine_, place, part.first, part.end, Allow{vocabulary, mask}, [](uint32_t) {});
  }
}

bool Matcher::accept(int32_t token) {
  return grammar_->vocabulary().is_text(token) && accept(grammar_->vocabulary().text(token));
}

bool Matcher::accept(std::string_view text) {
  for (char byte : text) {
    if (machine_.push_step(machine_.sets() - 1, uint8_t(byte))) continue;
    machine_.pop(1);
    return false;
  }
  machine_.settle();
  return true;
}

bool Matcher::complete() const {
  auto places = machine_.places(0);
  return may_end() && std::none_of(places.begin(), places.end(), [&](const Place& place) {
           return grammar_->automaton().takes_bytes(place.state);
         });
}

const Vocabulary& GrammarCache::vocabulary() {
  const std::lock_guard lock(mutex_);
  if (!vocabulary_) vocabulary_ = std::make_unique<Vocabulary>(tokenizer_);
  return *vocabulary_;
}

std::shared_ptr<const TokenGrammar> GrammarCache::get(const std::string& key,
                                                      const std::function<Compiled()>& make) {
  const Vocabulary& words = vocabulary();
  {
    const std::lock_guard lock(mutex_);
    auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
    if (known != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, known);
      return known->grammar;
    }
  }
  auto grammar = std::make_shared<const TokenGrammar>(make(), words, shared_);
  size_t bytes = key.size() + grammar->automaton().bytes() + grammar->masks().bytes();
  const std::lock_guard lock(mutex_);
  entries_.push_front({key, grammar, bytes});
  size_t total = 0;
  for (const Entry& entry : entries_) total += entry.bytes;
  while (entries_.size() > 1 && (entries_.size() > kMostCached || total > kMostCachedBytes)) {
    total -= entries_.back().bytes;
    entries_.pop_back();
  }
  return grammar;
}

}  // namespace troika::grammar
