// Attention over the paged cache: a tile of query rows (tokens of one sequence that follow each other × the query heads
// of one key/value head) against the keys and values of that head, page by page.
//
// Scores: lanes are keys, which is why a cache's keys lie [D, P]; values: lanes are D. A few rows at a time are kept
// in registers, so that a loaded vector is used by all of them. The softmax runs online (Milakov and Gimelshein 2018, as in
// FlashAttention): page by page within a chunk of kAttendChunk positions, then chunk by chunk, chunks counted from
// position 0. Both orders depend on the row's own positions only: neither the tile nor who computes which chunk can be
// seen in the result. A page without a key for a row is skipped for that row, and of a page only the row's own keys
// count: whatever lies in the others' places, even NaN, leaves no trace.
#pragma once

#include "kernels/cache_page.h"
#include "kernels/hadamard.h"
#include "kernels/kernel_table.h"
#include "kernels/rows.h"

namespace troika::kernels {

inline constexpr float kNoScore = -1e30f;  // below every score

struct AttendRow {
  int first, last;                 // positions
  int begin, end;                  // of the page at hand
  float largest;                   // score in this chunk so far
  float whole_largest, whole_sum;  // of the chunks before
};

// Scratch memory by name, and the tile's sizes.
template <class S>
struct AttendTile {
  int rows, padded;   // padded: D in whole vectors
  int page_end;       // after the last page that a row reads
  int parts;          // the rows are cut into so many parts of up to S::kQueryRows
  float* q;           // each part [D, rows of the part], rotated where the keys are, scaled
  float* page;        // [D, P] or [P, padded]: a page in float32
  float* scales;      // of a page in q8_0 or q4_0
  float* score;       // [rows, P], then the weights
  float* total;       // [rows, padded]: Σ weight · value of the chunk
  float* sum;         // [rows, 16]: Σ weight of the chunk, by lane
  float* keep;        // [rows]: by how much the page shrinks what was summed before
  float* whole;       // [rows, padded]: of the chunks before
  AttendRow* row;     // [rows]

  explicit AttendTile(const AttendArgs& args) noexcept
      : rows(args.tokens * args.heads), padded((args.head_dim + 15) / 16 * 16), page_end(0),
        parts((rows + S::kQueryRows - 1) / S::kQueryRows) {
    int most = (rows + 15) / 16 * 16;
    float* next = args.scratch;
    auto take = [&next](size_t floats) { return next += floats, next - floats; };
    q = take(size_t(most) * padded);
    page = take(size_t(kCachePage) * padded);
    scales = take(size_t(kCachePage) * padded / 16);
    score = take(size_t(most) * kCachePage);
    total = take(size_t(most) * padded);
    sum = take(size_t(most) * 16);
    keep = take(most);
    whole = take(size_t(most) * padded);
    for (int i = 0; i < args.tokens; ++i) {
      int end = args.last[i] / kCachePage + 1;
      page_end = end > page_end ? end : page_end;
    }
    row = reinterpret_cast<AttendRow*>(take(size_t(most) * 8));
    static_assert(sizeof(AttendRow) <= 8 * sizeof(float));
  }
  int part_begin(int part) const noexcept { return rows * part / parts; }
};

// Memory that is wanted next, asked for piece by piece while the work at hand goes on: pages lie apart, so the machine
// cannot guess it.
struct Ahead {
  const std::byte* from;
  size_t bytes;
};

// score[m][j] = Σd q[d][m] · keys(d, j) for M rows and all keys of a page
template <class S, int M, class Keys>
void score_rows(const float* q, Keys keys, int head_dim, Ahead ahead, float* score) noexcept {
  constexpr int C = S::kQueryVectors;
  for (int column = 0; column < kCachePage; column += 16 * C) {
    typename S::R sum[M][C];
    for (int m = 0; m < M; ++m) {
      for (int c = 0; c < C; ++c) sum[m][c] = S::rows_zero();
    }
    const std::byte* next = ahead.from + ahead.bytes * column / kCachePage;
    size_t step = ahead.bytes * C / 2 / head_dim;
    for (int d = 0; d < head_dim; ++d, next += step) {
      __builtin_prefetch(next);
      typename S::R key[C];
      for (int c = 0; c < C; ++c) key[c] = keys.at(d, column + 16 * c);
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        typename S::R x = S::rows_set1(q[d * M + m]);
        for (int c = 0; c < C; ++c) sum[m][c] = S::fma(x, key[c], sum[m][c]);
      }
    }
    for (int m = 0; m < M; ++m) {
      for (int c = 0; c < C; ++c) S::store_rows(score + m * kCachePage + column + 16 * c, sum[m][c]);
    }
  }
}

// total[m][column …] = total[m] · keep[m] + Σj weight[m][j] · values(j, column …) for M rows and C vectors
template <class S, int M, int C, class Values>
void mix_columns(const float* weight, const float* keep, Values values, int begin, int end, int column, int padded,
                 Ahead ahead, float* total) noexcept {
  const std::byte* next = ahead.from + ahead.bytes * column / padded;
  size_t step = ahead.bytes * 16 * C / padded / kCachePage;
  typename S::R sum[M][C];
  for (int m = 0; m < M; ++m) {
    for (int c = 0; c < C; ++c) {
      sum[m][c] = S::mul(S::load_rows(total + size_t(m) * padded + column + 16 * c), S::rows_set1(keep[m]));
    }
  }
  for (int j = begin; j < end; ++j, next += step) {
    __builtin_prefetch(next);
    typename S::R value[C];
    for (int c = 0; c < C; ++c) value[c] = values.at(j, column + 16 * c);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      typename S::R w = S::rows_set1(weight[m * kCachePage + j]);
      for (int c = 0; c < C; ++c) sum[m][c] = S::fma(w, value[c], sum[m][c]);
    }
  }
  for (int m = 0; m < M; ++m) {
    for (int c = 0; c < C; ++c) S::store_rows(total + size_t(m) * padded + column + 16 * c, sum[m][c]);
  }
}

template <class S, int M, class Values>
void mix_rows(const float* weight, const float* keep, Values values, int begin, int end, int padded, Ahead ahead,
              float* total) noexcept {
  constexpr int C = S::kQueryVectors;
  int column = 0;
  for (; column + 16 * C <= padded; column += 16 * C) {
    mix_columns<S, M, C>(weight, keep, values, begin, end, column, padded, ahead, total);
  }
  for (; column < padded; column += 16) {
    mix_columns<S, M, 1>(weight, keep, values, begin, end, column, padded, ahead, total);
  }
}

// The same for a number of rows that is known when it runs, at most M.
template <class S, int M = S::kQueryRows, class Keys>
void score_some(int rows, const float* q, Keys keys, int head_dim, Ahead ahead, float* score) noexcept {
  if constexpr (M > 1) {
    if (rows < M) return score_some<S, M - 1>(rows, q, keys, head_dim, ahead, score);
  }
  score_rows<S, M>(q, keys, head_dim, ahead, score);
}

template <class S, int M = S::kQueryRows, class Values>
void mix_some(int rows, const float* weight, const float* keep, Values values, int begin, int end, int padded,
              Ahead ahead, float* total) noexcept {
  if constexpr (M > 1) {
    if (rows < M) return mix_some<S, M - 1>(rows, weight, keep, values, begin, end, padded, ahead, total);
  }
  mix_rows<S, M>(weight, keep, values, begin, end, padded, ahead, total);
}

// Parts in which no row has a key in this page are left out.
template <class S, class Keys>
void score_page(const AttendTile<S>& tile, int head_dim, Keys keys, Ahead ahead) noexcept {
  for (int part = 0; part < tile.parts; ++part) {
    int begin = tile.part_begin(part), end = tile.part_begin(part + 1);
    bool any = false;
    for (int r = begin; r < end; ++r) any |= tile.row[r].begin < tile.row[r].end;
    if (!any) continue;
    score_some<S>(end - begin, tile.q + size_t(begin) * head_dim, keys, head_dim, ahead,
                  tile.score + begin * kCachePage);
    ahead.bytes = 0;
  }
}

// Rows that share their range of keys go together.
template <class S, class Values>
void mix_page(const AttendTile<S>& tile, Values values, Ahead ahead) noexcept {
  for (int part = 0; part < tile.parts; ++part) {
    int end = tile.part_begin(part + 1), next;
    for (int r = tile.part_begin(part); r < end; r = next) {
      const AttendRow& row = tile.row[r];
      next = r + 1;
      while (next < end && tile.row[next].begin == row.begin && tile.row[next].end == row.end) ++next;
      if (row.begin >= row.end) continue;
      mix_some<S>(next - r, tile.score + r * kCachePage, tile.keep + r, values, row.begin, row.end, tile.padded, ahead,
                  tile.total + size_t(r) * tile.padded);
      ahead.bytes = 0;
    }
  }
}

template <class S>
float exp_of(float x) noexcept {
  float lanes[8];
  S::store(lanes, exp<S>(S::set1(x)));
  return lanes[0];
}

// One row's scores become weights e^(score − largest), 0 where the row has no key; returns by how much earlier sums
// must shrink.
template <class S>
float weigh(float softcap, AttendRow& row, float* score, float* sum) noexcept {
  using R = typename S::R;
  R low = S::load_rows(score), high = S::load_rows(score + 16);
  if (softcap > 0) {
    R cap = S::rows_set1(softcap);
    low = S::mul(cap, tanh<S>(S::div(low, cap)));
    high = S::mul(cap, tanh<S>(S::div(high, cap)));
  }
  if (row.begin > 0 || row.end < kCachePage) {
    S::store_rows(score, low);
    S::store_rows(score + 16, high);
    for (int j = 0; j < row.begin; ++j) score[j] = kNoScore;
    for (int j = row.end; j < kCachePage; ++j) score[j] = kNoScore;
    low = S::load_rows(score);
    high = S::load_rows(score + 16);
  }
  R most = S::max(low, high);
  float before = row.largest, largest = S::largest(S::max(S::low(most), S::high(most)));
  if (largest < before) largest = before;
  row.largest = largest;
  R shift = S::rows_set1(largest), bound = S::rows_set1(kNoScore / 2);
  low = S::select_less(low, bound, S::rows_zero(), exp<S>(S::sub(low, shift)));
  high = S::select_less(high, bound, S::rows_zero(), exp<S>(S::sub(high, shift)));
  S::store_rows(score, low);
  S::store_rows(score + 16, high);
  float keep = before == largest ? 1 : exp_of<S>(before - largest);
  S::store_rows(sum, S::fma(S::load_rows(sum), S::rows_set1(keep), S::add(low, high)));
  return keep;
}

// `rows` × `columns` values of a page as float32; columns padded to whole vectors.
template <class S, class Values>
void unpack_page(Values values, int rows, int columns, int padded, float* to) noexcept {
  for (int i = 0; i < rows; ++i, to += padded) {
    int column = 0;
    for (; column + 16 <= columns; column += 16) S::store_rows(to + column, values.at(i, column));
    if (column < columns) S::store_rows(to + column, values.rest(i, column, columns - column));
  }
}

// Which keys of the page each row attends to; false if no row has any.
template <class S>
bool open_page(const AttendTile<S>& tile, int page) noexcept {
  int start = page * kCachePage;
  bool any = false;
  for (int r = 0; r < tile.rows; ++r) {
    AttendRow& row = tile.row[r];
    row.begin = row.first > start ? row.first - start : 0;
    row.end = row.last - start + 1 < kCachePage ? row.last - start + 1 : kCachePage;
    any |= row.begin < row.end;
  }
  return any;
}

// Where a page in the cache's own format is read in place: with few rows, unpacking costs more than it saves.
template <class S, class Pages>
void attend_page(const AttendArgs& args, const AttendTile<S>& tile, int page) noexcept {
  int dim = args.head_dim;
  size_t at = size_t(args.pages[page]) * args.page_stride;
  bool in_place = tile.parts <= Pages::kPartsInPlace;
  auto keys = Pages::keys(args.keys + at, dim, tile.scales);
  Ahead ahead{args.values + at, args.page_bytes};
  if (in_place) {
    score_page<S>(tile, dim, keys, ahead);
  } else {
    unpack_page<S>(keys, dim, kCachePage, kCachePage, tile.page);
    score_page<S>(tile, dim, FloatRows<S>{tile.page, kCachePage}, ahead);
  }
  for (int r = 0; r < tile.rows; ++r) {
    AttendRow& row = tile.row[r];
    if (row.begin < row.end) tile.keep[r] = weigh<S>(args.softcap, row, tile.score + r * kCachePage, tile.sum + r * 16);
  }
  auto values = Pages::values(args.values + at, dim, tile.scales);
  if (page + 1 < tile.page_end) ahead.from = args.keys + args.pages[page + 1] * args.page_stride;
  else ahead.bytes = 0;
  if (in_place && dim % 16 == 0) {
    mix_page<S>(tile, values, ahead);
  } else {
    unpack_page<S>(values, kCachePage, dim, tile.padded, tile.page);
    mix_page<S>(tile, FloatRows<S>{tile.page, tile.padded}, ahead);
  }
}

template <class S, class Pages>
void attend_chunk(const AttendArgs& args, const AttendTile<S>& tile, int chunk) noexcept {
  constexpr int kPages = kAttendChunk / kCachePage;
  for (size_t i = 0; i < size_t(tile.rows) * tile.padded; ++i) tile.total[i] = 0;
  for (int i = 0; i < tile.rows * 16; ++i) tile.sum[i] = 0;
  for (int r = 0; r < tile.rows; ++r) tile.row[r].largest = kNoScore;
  for (int page = chunk * kPages; page < (chunk + 1) * kPages; ++page) {
    if (open_page(tile, page)) attend_page<S, Pages>(args, tile, page);
  }
}

// A chunk's sums join those of the chunks before. Rows without a key in the chunk have none to join.
template <class S>
void join_chunk(AttendRow& row, int chunk, int padded, float largest, float sum, const float* total,
                float* whole) noexcept {
  if (row.last < chunk * kAttendChunk || row.first >= (chunk + 1) * kAttendChunk) return;
  float most = row.whole_largest > largest ? row.whole_largest : largest;
  float keep = exp_of<S>(row.whole_largest - most), share = exp_of<S>(largest - most);
  typename S::R keeps = S::rows_set1(keep), shares = S::rows_set1(share);
  for (int d = 0; d < padded; d += 16) {
    S::store_rows(whole + d, S::fma(S::load_rows(total + d), shares, S::mul(S::load_rows(whole + d), keeps)));
  }
  row.whole_sum = row.whole_sum * keep + sum * share;
  row.whole_largest = most;
}

template <class S>
float sum_of(const float* sixteen) noexcept {
  typename S::R lanes = S::load_rows(sixteen);
  return S::sum(S::add(S::low(lanes), S::high(lanes)));
}

template <class S>
void begin_rows(const AttendArgs& args, const AttendTile<S>& tile) noexcept {
  for (int r = 0; r < tile.rows; ++r) {
    int token = r / args.heads;
    tile.row[r] = {.first = args.first[token], .last = args.last[token], .begin = 0, .end = 0, .largest = kNoScore,
                   .whole_largest = kNoScore, .whole_sum = 0};
  }
  for (size_t i = 0; i < size_t(tile.rows) * tile.padded; ++i) tile.whole[i] = 0;
}

template <class S>
void scale_queries(const AttendArgs& args, const AttendTile<S>& tile) noexcept {
  for (int part = 0; part < tile.parts; ++part) {
    int begin = tile.part_begin(part), count = tile.part_begin(part + 1) - begin;
    float* to = tile.q + size_t(begin) * args.head_dim;
    for (int m = 0; m < count; ++m) {
      int token = (begin + m) / args.heads, head = (begin + m) % args.heads;
      const float* from = args.q + token * args.token_stride + size_t(head) * args.head_dim;
      if (args.rotation > 0) {
        rotate<S>(from, tile.page, args.head_dim, args.rotation);
        from = tile.page;
      }
      for (int d = 0; d < args.head_dim; ++d) to[d * count + m] = from[d] * args.scale;
    }
  }
}

template <class S>
void finish_rows(const AttendArgs& args, const AttendTile<S>& tile) noexcept {
  for (int r = 0; r < tile.rows; ++r) {
    float* out = args.out + r / args.heads * args.token_stride + size_t(r % args.heads) * args.head_dim;
    const float* whole = tile.whole + size_t(r) * tile.padded;
    float inverse = 1 / tile.row[r].whole_sum;
    for (int d = 0; d < args.head_dim; ++d) out[d] = whole[d] * inverse;
    if (args.rotation > 0) rotate<S>(out, out, args.head_dim, args.rotation);
  }
}

// A partial result: [padded] totals, the sum, the largest score.
template <class S>
void leave_partials(const AttendTile<S>& tile, float* out) noexcept {
  for (int r = 0; r < tile.rows; ++r, out += tile.padded + 16) {
    std::memcpy(out, tile.total + size_t(r) * tile.padded, tile.padded * sizeof(float));
    out[tile.padded] = sum_of<S>(tile.sum + r * 16);
    out[tile.padded + 1] = tile.row[r].largest;
  }
}

template <class S, class Pages>
void attend_pages(const AttendArgs& args) noexcept {
  AttendTile<S> tile(args);
  begin_rows(args, tile);
  scale_queries(args, tile);
  for (int chunk = args.chunk_begin; chunk < args.chunk_end; ++chunk) {
    attend_chunk<S, Pages>(args, tile, chunk);
    if (args.partials) return leave_partials(tile, args.partials);
    for (int r = 0; r < tile.rows; ++r) {
      size_t at = size_t(r) * tile.padded;
      join_chunk<S>(tile.row[r], chunk, tile.padded, tile.row[r].largest, sum_of<S>(tile.sum + r * 16), tile.total + at,
                    tile.whole + at);
    }
  }
  finish_rows(args, tile);
}

template <class S>
void attend(const AttendArgs& args) noexcept {
  switch (args.cache) {
    case Format::f16: return attend_pages<S, HalfPages<S>>(args);
    case Format::q8_0: return attend_pages<S, Q8Pages<S>>(args);
    case Format::q4_0: return attend_pages<S, Q4Pages<S>>(args);
    default: return attend_pages<S, FloatPages<S>>(args);
  }
}

template <class S>
void attend_join(const AttendArgs& args) noexcept {
  AttendTile<S> tile(args);
  const float* part = args.partials;
  begin_rows(args, tile);
  for (int chunk = args.chunk_begin; chunk < args.chunk_end; ++chunk) {
    for (int r = 0; r < tile.rows; ++r, part += tile.padded + 16) {
      join_chunk<S>(tile.row[r], chunk, tile.padded, part[tile.padded + 1], part[tile.padded], part,
                    tile.whole + size_t(r) * tile.padded);
    }
  }
  finish_rows(args, tile);
}

}  // namespace troika::kernels
