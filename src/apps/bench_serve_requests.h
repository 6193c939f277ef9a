// What a load asks: every request follows from the seed, the load and its number in it, so that every server
// gets the same ones in the same order. Prompts are random words of a short list, each a token of most
// vocabularies.
#pragma once

#include <cstdint>
#include <string>

namespace troika::apps::load {

// "128..1024" or "512"; both ends belong to it.
struct Range {
  int least = 0, most = 0;
};

struct Mix {
  Range prompt_tokens{128, 1024}, output_tokens{64, 256};
  int shared_prefix = 0;               // tokens with which all prompts begin
  double hang_ups = 0, malformed = 0;  // shares of the requests
  double pictures = 0;                 // of the requests show one, with Dialect::chat
  int picture_side = 448;              // pixels
  uint64_t seed = 1;
};

// How the server is spoken to.
struct Dialect {
  std::string model;
  bool chat = false;         // /v1/chat/completions, else /v1/completions
  double tokens_a_word = 1;  // of this model, as it was found

  const char* path() const { return chat ? "/v1/chat/completions" : "/v1/completions"; }
};

struct Asked {
  std::string body;
  int hang_up_after = 0;  // pieces of text; 0: reads to the end
  bool malformed = false;
};

// Request `number` of load `load`.
Asked request_of(const Mix& mix, const Dialect& dialect, uint64_t load, uint64_t number);

// One of this length whose words follow from the seed and `number`; outside of all loads.
std::string plain_request(const Mix& mix, const Dialect& dialect, uint64_t number, int words,
                          int output_tokens);

int words_for(int tokens, const Dialect& dialect);

}  // namespace troika::apps::load
