// Plain text: whole characters in UTF-8 without quotes, backslashes and control characters, what may stand in
// a string of JSON as it is. Eight places in a character and the bytes that lead from one to another.
#pragma once

#include <array>
#include <cstdint>

namespace troika::grammar {

struct PlainText {
  enum Place : uint8_t {
    kBetween,  // characters
    kOneMore,
    kTwoMore,
    kThreeMore,  // bytes of a character, 80..BF each
    kAfterE0,
    kAfterED,
    kAfterF0,
    kAfterF4,  // whose next byte is bounded otherwise
    kPlaces,
    kNowhere = kPlaces,
  };

  static constexpr Place follow(Place place, uint8_t byte) {
    auto in = [&](uint8_t first, uint8_t last) { return first <= byte && byte <= last; };
    switch (place) {
      case kBetween:
        if (in(0x20, 0x7E)) return byte == '"' || byte == '\\' ? kNowhere : kBetween;
        if (in(0xC2, 0xDF)) return kOneMore;
        if (byte == 0xE0) return kAfterE0;
        if (byte == 0xED) return kAfterED;
        if (in(0xE1, 0xEF)) return kTwoMore;
        if (byte == 0xF0) return kAfterF0;
        if (byte == 0xF4) return kAfterF4;
        return in(0xF1, 0xF3) ? kThreeMore : kNowhere;
      case kOneMore:
        return in(0x80, 0xBF) ? kBetween : kNowhere;
      case kTwoMore:
        return in(0x80, 0xBF) ? kOneMore : kNowhere;
      case kThreeMore:
        return in(0x80, 0xBF) ? kTwoMore : kNowhere;
      case kAfterE0:
        return in(0xA0, 0xBF) ? kOneMore : kNowhere;
      case kAfterED:
        return in(0x80, 0x9F) ? kOneMore : kNowhere;
      case kAfterF0:
        return in(0x90, 0xBF) ? kTwoMore : kNowhere;
      case kAfterF4:
        return in(0x80, 0x8F) ? kTwoMore : kNowhere;
      case kPlaces:
        break;
    }
    return kNowhere;
  }
};

}  // namespace troika::grammar
