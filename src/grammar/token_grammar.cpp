#include "grammar/token_grammar.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"

namespace troika::grammar {
namespace {

constexpr size_t kMostCached = 64, kMostCachedBytes = 256u << 20;
constexpr int kMostCompiling = 2;  // at a time: the others' requests need the processor too

// Allows the tokens that end at a node.
struct Allow {
  const Vocabulary& vocabulary;
  TokenMask& mask;

  void operator()(uint32_t node) const {
    for (int32_t id : vocabulary.tokens_at(node)) mask.allow(id);
  }
};

// An answer must be able to begin.
std::shared_ptr<const TokenGrammar> usable(std::shared_ptr<const TokenGrammar> grammar) {
  Matcher matcher(grammar);
  TokenMask mask(grammar->vocabulary().tokens());
  if (!matcher.gave_up()) matcher.allow(mask);
  if (matcher.gave_up())
    fail("the grammar may begin in too many ways at once; make its alternatives differ sooner");
  return grammar;
}

}  // namespace

TokenGrammar::TokenGrammar(Compiled compiled, const Vocabulary& vocabulary, SharedMasks& shared)
    : notes_(std::move(compiled.notes)),
      automaton_(std::move(compiled.automaton)),
      vocabulary_(vocabulary),
      masks_(automaton_, vocabulary_, shared) {}

Matcher::Matcher(std::shared_ptr<const TokenGrammar> grammar)
    : grammar_(std::move(grammar)), machine_(grammar_->automaton()), walk_(grammar_->vocabulary()) {
  machine_.allow_work(kMostMaskWork);
  machine_.push_entered({grammar_->automaton().start(), CallTree::kBottom});
}

void Matcher::allow(TokenMask& mask) {
  mask.clear();
  machine_.allow_work(kMostMaskWork);
  const Vocabulary& vocabulary = grammar_->vocabulary();
  // Near the deepest nesting what a state allows depends on how much deeper it may go.
  const bool deep = machine_.depth(0) + vocabulary.longest() >= CallTree::kMostDepth;
  for (size_t i = 0; i < machine_.places(0).size() && !gave_up(); ++i) {
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
  machine_.spend(known.words.size() + known.ids.size());
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
  machine_.allow_work(kMostMaskWork);
  for (char byte : text) {
    if (machine_.push_step(machine_.sets() - 1, uint8_t(byte)) && !gave_up()) continue;
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

GrammarCache::Grammar GrammarCache::get(const std::string& key, const std::function<Compiled()>& make) {
  const Vocabulary& words = vocabulary();
  std::unique_lock lock(mutex_);
  auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
    return known->grammar;
  }
  if (const auto other = compiling_.find(key); other != compiling_.end()) {
    const std::shared_future<Grammar> result = other->second;
    lock.unlock();
    return result.get();  // throws what the other's `make` threw
  }
  std::promise<Grammar> promise;
  compiling_.emplace(key, promise.get_future().share());
  compiled_.wait(lock, [&] { return running_ < kMostCompiling; });
  ++running_;
  lock.unlock();
  Grammar grammar;
  std::exception_ptr error;
  try {
    grammar = usable(std::make_shared<const TokenGrammar>(make(), words, shared_));
    promise.set_value(grammar);
  } catch (...) {
    error = std::current_exception();
    promise.set_exception(error);
  }
  lock.lock();
  --running_;
  compiling_.erase(key);
  compiled_.notify_one();
  if (error) std::rethrow_exception(error);
  keep(key, grammar);
  return grammar;
}

void GrammarCache::keep(const std::string& key, const Grammar& grammar) {
  const size_t bytes = key.size() + grammar->automaton().bytes() + grammar->masks().bytes();
  entries_.push_front({key, grammar, bytes});
  size_t total = 0;
  for (const Entry& entry : entries_) total += entry.bytes;
  while (entries_.size() > 1 && (entries_.size() > kMostCached || total > kMostCachedBytes)) {
    total -= entries_.back().bytes;
    entries_.pop_back();
  }
}

}  // namespace troika::grammar
