// Attention of a few rows (a token's query head is a row) that share a key/value head, over their sequence's pages or over
// a span of rows. Positions are cut into stretches at multiples of 128, and each stretch is a softmax of its own: the largest
// score and, relative to it, the sum of weights and of weighted values. Stretches are joined in their order
// (arXiv:1805.02867): by the workgroup that computed them all or, where several did, by the last of them. So a row gets the
// same bits whatever stands beside it, and however many share the work.
// Who includes this reads keys and values and multiplies with them: what is declared below. It has kSides lanes for each four of them or
// defines ON_UNIT, where the matrix unit adds up whole scores and results.
#include "lib/step.glsl"
#include "lib/activations.glsl"
#include "lib/cache.glsl"
#include "lib/turn.glsl"

layout(local_size_x_id = 5) in;                        // kSides times a multiple of 32 that follows from kDim
layout(constant_id = 0) const uint kFormat = 0;
layout(constant_id = 1) const bool kQuantise = false;  // the result as int8 besides
layout(constant_id = 2) const bool kRope = false;      // queries are still to be turned
layout(constant_id = 3) const uint kTile = 1;          // rows of a workgroup
layout(constant_id = 4) const uint kDim = 64;
layout(constant_id = 6) const bool kShared = false;    // several workgroups may share the stretches of a row

layout(constant_id = 7) const uint kHalfRows = 0;
#ifndef ON_UNIT
layout(constant_id = 8) const uint kClasses = 1;
#endif
// Constants, since a division by a number that is not known takes a dozen instructions.
layout(constant_id = 9) const uint kHeads = 1;
layout(constant_id = 10) const uint kKvHeads = 1;
layout(constant_id = 11) const uint kTileHeads = 1;    // of a workgroup
const uint kSharedBy = kHeads / kKvHeads, kShares = (kSharedBy + kTileHeads - 1) / kTileHeads;
const bool kHalves = kHalfRows > 0;

const uint kLanes = gl_WorkGroupSize.x, kFours = (kDim + 3) / 4, kStretch = 128, kQuads = kStretch / 4;
#ifdef ON_UNIT
const bool kOnUnit = true;
const uint kSumLanes = (kQuads > kFours ? kQuads : kFours) | 1;  // odd: banks of memory differ
const uint kParts = 1, kRuns = 1, kResultFours = kSumLanes, kHeadFours = kTile * kSumLanes;
const uint kQueriesAtOnce = (kTile * kDim / 2 + kLanes - 1) / kLanes;
#define partial_ head_
#else
const bool kOnUnit = false;
// A score: kSides lanes (part, quad) sum up a part of the head's values for four positions, of all rows.
const uint kSumLanes = kLanes / kSides, kParts = kSumLanes / kQuads, kPartFours = (kFours + kParts - 1) / kParts;
// A result: kSides lanes (run, four) sum up a run of the positions for four of the head's values, of all rows.
const uint kFit = kSumLanes / kFours, kRuns = kFit >= 16 ? 16 : kFit >= 8 ? 8 : kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
const uint kRun = kStretch / kRuns, kResultFours = kFours, kHeadFours = kTile * kFours;
const uint kQueriesAtOnce = 1;
shared vec4 partial_[kTile * kSumLanes];
#endif
// Queries, then results; row r begins at r · kFours.
#include "lib/rotate.glsl"
const uint kRounding = 64;  // lanes, of lib/quantise_four.glsl
#include "lib/quantise_four.glsl"
uint line_of_result(uint run, uint row) { return (run * kTile + row) * kResultFours; }
vec4 four_at(uint line, uint four);  // from who includes this: what it put in a line of partial_
// Where parts of results are added up, lane l has the fours l, l + kLanes, … of all rows. Arrays in registers are kMostOwn long, since
// spirv-opt takes a length that is specialised for its default where an index is constant.
const uint kOwnFours = (kTile * kFours + kLanes - 1) / kLanes, kMostOwn = 2;

// A stretch as the one who joins finds it: results of a row in fours, then its largest score and its sum.
const uint kStateFours = kFours + 1;
layout(buffer_reference, std430, buffer_reference_align = 16) coherent buffer States { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) coherent buffer Tickets { uint at[]; };

layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Queries { VISIBLE float at[]; };
// What only some are told.
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer More {
  uint64_t to_numbers, to_scales;  // the result as int8
  Queries new_keys, new_values;    // of attend_new.comp: [T, kKvHeads · kDim]
};

layout(push_constant) uniform Push {
  Step step;
  Queries q;                // [T, kHeads · kDim]
  Floats to;                // likewise
  uint64_t keys, values;    // the cache, or [T, kKvHeads · kDim]
  More more;
  Floats angles;            // of kRope, as rope.comp takes them
  States states;            // [T · kHeads, slots]
  Tickets tickets;          // [T · kHeads]: how many workgroups are done with a row; 0 between dispatches
  uint rotation;
  float scale, softcap;
  int window, group;        // of pages; of kRows: the kind of span
  int rows;
  uint slots;               // stretches of the longest text
  uint unused[3];
  uint64_t link;            // of attend_new.comp: lib/chain.glsl; 0: there are barriers
};

const float kNone = -1.0 / 0.0;
shared float row_largest_[kTile], row_sum_[kTile];                     // of the stretch
shared bool is_last_;

struct Seen { int first, last; };  // positions

// Tokens [begin, end) of one sequence, and what any of them sees.
struct Text {
  uint begin, end, kv_head;
  int first, last, pages;
};

// Row r is of token + r / heads, and of head + r % heads; the last token may have fewer.
struct Rows { uint token, head, heads, count; };
uint row_of(Rows r, uint number) { return (r.token + number / r.heads) * kHeads + r.head + number % r.heads; }

struct State {
  float largest, sum;
  vec4 value;
};

Seen seen_by(uint token) {
  if (kFormat == kRows) return Seen(step.span_begin[group].at[token], step.span_end[group].at[token] - 1);
  const int first = window > 0 ? max(0, step.positions.at[token] - window + 1) : 0;
  return Seen(min(first, step.run_first.at[token]), step.run_last.at[token]);
}

// As many tokens as are of the sequence of the first.
Text text_at(uint begin, uint end, uint kv_head) {
  const int pages = kFormat == kRows ? 0 : pages_of(step, int(begin), group);
  Seen all = seen_by(begin);
  uint token = begin + 1;
  for (; token < end && (kFormat == kRows || step.sequences.at[token] == step.sequences.at[begin]); ++token) {
    const Seen one = seen_by(token);
    all = Seen(min(all.first, one.first), max(all.last, one.last));
  }
  return Text(begin, token, kv_head, all.first, all.last, pages);
}

uint stretches_of(Text text) { return uint(text.last / int(kStretch) - text.first / int(kStretch) + 1); }

uint64_t page_of(uint64_t cache, Text text, int position) {
  if (kFormat == kRows) return 0;
  const uint page = step.page_table.at[text.pages + position / kPageTokens];
  return cache + uint64_t(page * kKvHeads + text.kv_head) * page_bytes(kFormat, kDim);
}

// Values d and d + kDim / 2 of a head that begins at `from`, and by what a token's are turned.
vec2 pair_at(uint64_t x, uint from, uint d) { return vec2(Queries(x).at[from + d], Queries(x).at[from + d + kDim / 2]); }
vec2 angle_of(uint token, uint d) {
  const uint at = (token * (kDim / 2) + d) * 2;
  return vec2(angles.at[at], angles.at[at + 1]);
}

void load_queries(Rows rows) {
  const uint lane = gl_LocalInvocationID.x;
  if (kDim % 4 != 0) {  // the last four of a row is not full
    for (uint i = lane; i < kHeadFours; i += kLanes) head_[i] = vec4(0);
    barrier();
  }
  if (kRope) {
    const uint pairs = kDim / 2, count = rows.count * pairs;
    for (uint begin = lane; begin < count; begin += kLanes * kQueriesAtOnce) {
      vec2 pair[kQueriesAtOnce], angle[kQueriesAtOnce];
      [[unroll]] for (uint k = 0; k < kQueriesAtOnce; ++k) {
        const uint i = min(begin + k * kLanes, count - 1), r = i / pairs, d = i % pairs;
        angle[k] = angle_of(rows.token + r / rows.heads, d);
        pair[k] = pair_at(uint64_t(q), row_of(rows, r) * kDim, d);
      }
      [[unroll]] for (uint k = 0; k < kQueriesAtOnce; ++k) {
        const uint i = min(begin + k * kLanes, count - 1), at = i / pairs * kFours * 4 + i % pairs;
        const vec2 turned_pair = turned(pair[k], angle[k].x, angle[k].y);
        set_head_value(at, turned_pair.x);
        set_head_value(at + pairs, turned_pair.y);
      }
    }
  } else {
    for (uint i = lane; i < rows.count * kDim; i += kLanes) {
      set_head_value(i / kDim * kFours * 4 + i % kDim, q.at[row_of(rows, i / kDim) * kDim + i % kDim]);
    }
  }
  if (rotation > 0) rotate_heads(rows.count * kDim, rotation, lane, kLanes);
  barrier();
}

float largest_of(vec4 four) { return max(max(four.x, four.y), max(four.z, four.w)); }
float sum_of(vec4 four) { return (four.x + four.y) + (four.z + four.w); }

// Of sums of products, from `position` on, for a row that sees so much.
vec4 score_of(vec4 sum, Seen seen, int position) {
  precise vec4 score = sum * scale;
  [[unroll]] for (int k = 0; k < 4; ++k) {
    if (softcap > 0) score[k] = softcap * tanh_of(score[k] / softcap);
    if (position + k < seen.first || position + k > seen.last) score[k] = kNone;
  }
  return score;
}

vec4 weights_below(float most, vec4 score) {
  precise const vec4 below = score - most;
  vec4 weight = vec4(0);
  [[unroll]] for (uint k = 0; k < 4; ++k) {
    if (score[k] != kNone) weight[k] = exp(below[k]);
  }
  return weight;
}

// The next stretch of a row joins those before it.
void join(inout State all, State next) {
  if (next.largest == kNone) return;
  const float largest = max(all.largest, next.largest);
  const float before = all.largest == kNone ? 0 : exp(all.largest - largest), now = exp(next.largest - largest);
  all = State(largest, fma(next.sum, now, all.sum * before), fma(next.value, vec4(now), all.value * before));
}

// Of the stretch that was just computed.
State state_of(uint at) {
  const uint row = at / kFours, four = at % kFours;
  vec4 sum = four_at(line_of_result(0, row), four);
  for (uint run = 1; run < kRuns; ++run) sum += four_at(line_of_result(run, row), four);
  return State(row_largest_[row], row_sum_[row], sum);
}

uint slot_of(Rows rows, uint at, uint stretch) { return (row_of(rows, at / kFours) * slots + stretch) * kStateFours; }

void keep(State state, uint slot, uint four) {
  states.at[slot + four] = state.value;
  if (four == 0) states.at[slot + kFours] = vec4(state.largest, state.sum, 0, 0);
}

// A few at a time, so that the next do not wait for the last to be joined.
State join_kept(Rows rows, uint at, uint stretches) {
  const uint kAtOnce = 16, four = at % kFours;
  State all = State(kNone, 0, vec4(0));
  for (uint begin = 0; begin < stretches; begin += kAtOnce) {
    State next[kAtOnce];
    [[unroll]] for (uint i = 0; i < kAtOnce; ++i) {
      const uint slot = slot_of(rows, at, min(begin + i, stretches - 1));
      const vec4 head = states.at[slot + kFours];
      next[i] = State(head.x, head.y, states.at[slot + four]);
    }
    [[unroll]] for (uint i = 0; i < kAtOnce; ++i) {
      if (begin + i < stretches) join(all, next[i]);
    }
  }
  return all;
}

// Whether all the others are done with these rows, so that what they kept can be read.
bool is_last_of(Rows rows, uint workgroups) {
  memoryBarrierBuffer();
  barrier();
  if (gl_LocalInvocationID.x == 0) {
    const uint ticket = row_of(rows, 0);
    memoryBarrierBuffer();
    is_last_ = atomicAdd(tickets.at[ticket], 1) == workgroups - 1;
    if (is_last_) tickets.at[ticket] = 0;
    memoryBarrierBuffer();
  }
  barrier();
  memoryBarrierBuffer();
  return is_last_;
}

// Where the result goes as int8.
struct Rounded { uint64_t numbers, scales; };

// Results are in head_.
void finish(Rows rows, Rounded rounded) {
  const uint lane = gl_LocalInvocationID.x;
  if (rotation > 0) rotate_heads(rows.count * kDim, rotation, lane, kLanes);
  barrier();
  for (uint i = lane; i < rows.count * kDim; i += kLanes) {
    to.at[row_of(rows, i / kDim) * kDim + i % kDim] = head_value(i / kDim * kFours * 4 + i % kDim);
  }
  const uint at_once = kHalves ? kLanes : kRounding;
  for (uint begin = 0; kQuantise && begin < rows.count * kFours; begin += at_once) {
    const uint at = begin + lane;
    const bool mine = lane < at_once && at < rows.count * kFours;
    const vec4 x = mine ? head_[at] : vec4(0);
    quantise_four(float[4](x.x, x.y, x.z, x.w), Numbers(rounded.numbers), Scales(rounded.scales), lane,
                  rows.token + at / kFours / rows.heads, (rows.head + at / kFours % rows.heads) * kDim + at % kFours * 4,
                  kHeads * kDim, mine);
  }
  barrier();
}

// From who includes this, of a stretch, which begins at position `from`:
void look_at_positions(Rows rows);  // before the first: what each row sees
void read_stretch(Text text, Rows rows, int from, bool is_first);  // what these rows need of it, and their queries where it is their first
void add_scores(Text text, Rows rows, int from);                   // parts of its scores, to lines of kSumLanes fours in partial_
void weigh(uint rows, int from);  // those become weights relative to the row's largest, which goes to row_largest_, their sum to row_sum_
void add_values(Text text, Rows rows, int from);  // parts of its results, to lines of results in partial_
void pass_on();  // last

// Stretches `begin`, begin + workgroups, … of these rows.
void attend(Text text, Rows rows, uint begin, uint workgroups) {
  const uint lane = gl_LocalInvocationID.x, stretches = stretches_of(text), fours = rows.count * kFours;
  if (begin >= stretches) return;
  const bool alone = !kShared || stretches == 1;
  Rounded rounded = Rounded(0, 0);
  if (kQuantise) rounded = Rounded(more.to_numbers, more.to_scales);  // by ?: glslang reads them anyway, of those who are told nothing
  look_at_positions(rows);
  State all[kMostOwn];
  [[unroll]] for (uint i = 0; i < kOwnFours; ++i) all[i] = State(kNone, 0, vec4(0));
  for (uint stretch = begin; stretch < stretches; stretch += workgroups) {
    const int from = (text.first / int(kStretch) + int(stretch)) * int(kStretch);
    read_stretch(text, rows, from, stretch == begin);
    add_scores(text, rows, from);
    barrier();
    weigh(rows.count, from);
    add_values(text, rows, from);
    barrier();
    [[unroll]] for (uint i = 0; i < kOwnFours; ++i) {
      const uint at = i * kLanes + lane;
      if (at >= fours) continue;
      const State state = state_of(at);
      if (alone) join(all[i], state);
      else keep(state, slot_of(rows, at, stretch), at % kFours);
    }
    barrier();
  }
  if (alone) {
    [[unroll]] for (uint i = 0; i < kOwnFours; ++i) {
      if (i * kLanes + lane < fours) head_[i * kLanes + lane] = all[i].value / all[i].sum;
    }
  } else {
    if (!is_last_of(rows, min(stretches, workgroups))) return;
    for (uint at = lane; at < fours; at += kLanes) {
      const State joined = join_kept(rows, at, stretches);
      head_[at] = joined.value / joined.sum;
    }
  }
  finish(rows, rounded);
}

void attend_all() {
  // The last tokens, which see the most, come first.
  const uint tile_tokens = kTile / kTileHeads, live = live_rows(step, rows);
  const uint begin = (gl_NumWorkGroups.z - 1 - gl_WorkGroupID.z) * tile_tokens, end = min(begin + tile_tokens, live);
  if (begin >= live) return;
  const uint kv_head = gl_WorkGroupID.y / kShares, first_head = gl_WorkGroupID.y % kShares * kTileHeads;
  const uint head = kv_head * kSharedBy + first_head, own_heads = kShares == 1 ? kSharedBy : min(kTileHeads, kSharedBy - first_head);

  // Heads that share keys read them once, unless there are workgroups enough for each of them and each stretch. The matrix unit takes
  // several rows anyway.
  const uint workgroups = gl_NumWorkGroups.x;
  const bool can_be_apart = kTile > 1 && !kOnUnit;
  uint lone = 0;
  for (uint token = begin; can_be_apart && token < end;) {
    const Text text = text_at(token, end, kv_head);
    lone += (text.end - token) * own_heads * stretches_of(text);
    token = text.end;
  }
  const bool apart = can_be_apart && lone <= workgroups;

  uint turn = gl_WorkGroupID.x;  // how many stretches come before this workgroup's next
  for (uint token = begin; token < end;) {
    const Text text = text_at(token, end, kv_head);
    const uint count = (text.end - token) * own_heads, stretches = stretches_of(text) % workgroups;
    for (uint row = 0; row < (apart ? count : 1); ++row) {
      const Rows one = Rows(token + row / own_heads, head + row % own_heads, own_heads, 1);
      attend(text, apart ? one : Rows(token, head, own_heads, count), turn, workgroups);
      turn = (turn + workgroups - stretches) % workgroups;
    }
    token = text.end;
  }
}

void main() {
  attend_all();
  pass_on();
}
