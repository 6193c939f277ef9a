// One answer's grammar: the tokens that may come next, found while the device computes, and what becomes of
// the one that came. Allocates when it is made.
#pragma once

#include <cstdint>
#include <memory>

#include "grammar/token_grammar.h"

namespace troika::engine {

class Constraint {
 public:
  explicit Constraint(std::shared_ptr<const grammar::TokenGrammar> grammar);

  // Finds the next token's mask, unless that is done.
  void prepare();
  // The tokens that may come next. Throws Error when there is none, as the grammar nests too deeply to go on,
  // and when finding them takes too long.
  const grammar::TokenMask& allowed();
  void accept(int32_t token);  // a token of text; throws Error when it may not come
  // Nothing more may come: the answer is over.
  bool complete() const { return matcher_.complete(); }

 private:
  grammar::Matcher matcher_;
  grammar::TokenMask mask_;
  bool is_known_ = false;  // the mask is that of the next token
};

}  // namespace troika::engine
