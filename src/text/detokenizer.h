// Incremental decoding for streams: tokens go in, text comes out, never half a character. The pieces joined
// are exactly what Tokenizer::decode gives for all ids at once.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace troika::text {

class Detokenizer {
 public:
  // The tokenizer must outlive this.
  Detokenizer(const Tokenizer& tokenizer, bool skip_control)
      : tokenizer_(tokenizer), skip_control_(skip_control) {}

  // The text that is settled now. The bytes of an unfinished character wait; U+FFFD comes only for bytes that
  // no further byte can mend. Tokens of type byte wait until their run is over: only then it is known whether the run
  // is text (see Tokenizer::decode).
  std::string append(int32_t id);
  // What still waits, at the end of the stream: an unfinished character is one U+FFFD.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool skip_control_;
  std::string take_settled();

  std::string run_;      // of tokens of type byte
  std::string waiting_;  // at most 3 bytes between calls
  bool at_start_ = true;
};

}  // namespace troika::text
