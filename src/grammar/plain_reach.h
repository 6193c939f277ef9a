// How long a plain text a state takes, whatever it says.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/automaton.h"

namespace troika::grammar {

// By state: any plain text (plain_text.h) of up to so many bytes keeps the automaton alive; UINT16_MAX: of
// any length.
std::vector<uint16_t> find_plain_reach(const Automaton& automaton);

}  // namespace troika::grammar
