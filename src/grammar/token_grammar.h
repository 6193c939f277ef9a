// A grammar over a model's tokens, and following one answer through it: which tokens may come next, and what
// becomes of the one that came.
//
//   Matcher matcher(grammar);
//   matcher.allow(mask);             // bits of the tokens that keep the text within the grammar
//   matcher.accept(token);           // false: it does not
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/machine.h"
#include "grammar/state_masks.h"
#include "grammar/vocabulary.h"

namespace troika::grammar {

// What a grammar was compiled to, and what is to be told to everyone who asks for it.
struct Compiled {
  Automaton automaton;
  std::vector<std::string> notes;
};

// Immutable; shared by all requests that ask for the same.
class TokenGrammar {
 public:
  // The vocabulary must outlive this.
  TokenGrammar(Compiled compiled, const Vocabulary& vocabulary, SharedMasks& shared);

  const Automaton& automaton() const { return automaton_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const StateMasks& masks() const { return masks_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  const std::vector<std::string> notes_;
  const Automaton automaton_;
  const Vocabulary& vocabulary_;
  const StateMasks masks_;
};

// One answer's way through a grammar. Allocates when it is made, and then only for grammars that are
// ambiguous beyond measure.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const TokenGrammar> grammar);

  // Sets the bits of the tokens that may come next, and no others. A token that ends the generation may come
  // where the text may end.
  void allow(TokenMask& mask);
  // The last call of allow or accept found more ways through the grammar than it may look at: of the mask
  // some are missing, the token was not taken.
  bool gave_up() const { return machine_.tired(); }

  // Takes a token of text in; false, and nothing changes, when it does not fit.
  bool accept(int32_t token);
  bool accept(std::string_view text);

  bool may_end() const { return machine_.ended(0); }
  // The text may end and nothing more may come: it is over.
  bool complete() const;

 private:
  void add(const StateMask& known, Place place, TokenMask& mask);
  void add_exactly(Place place, TokenMask& mask);

  std::shared_ptr<const TokenGrammar> grammar_;
  Machine machine_;  // between calls it holds one set: where the text has come to
  TrieWalk walk_;
};

// The grammars of one model that were asked for last, compiled. Used by several threads.
class GrammarCache {
 public:
  // The tokenizer must outlive this. Its vocabulary is read when the first grammar is asked for.
  explicit GrammarCache(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  using Grammar = std::shared_ptr<const TokenGrammar>;

  // The grammar known by this key; `make` compiles it the first time, and may throw. Whoever asks for it
  // meanwhile waits for the same. Throws Error, too, when there are too many ways to begin.
  Grammar get(const std::string& key, const std::function<Compiled()>& make);
  const Vocabulary& vocabulary();

 private:
  struct Entry {
    std::string key;
    Grammar grammar;
    size_t bytes = 0;
  };

  void keep(const std::string& key, const Grammar& grammar);

  const text::Tokenizer& tokenizer_;
  SharedMasks shared_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<Vocabulary> vocabulary_;
  std::list<Entry> entries_;  // used last first
  std::map<std::string, std::shared_future<Grammar>> compiling_;
  int running_ = 0;  // of them; the others wait for their turn
  std::condition_variable compiled_;
};

}  // namespace troika::grammar
