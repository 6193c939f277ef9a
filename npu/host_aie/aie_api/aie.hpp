// A stand-in for the part of AMD's aie_api that our kernels use, so that the same sources compile and run on the host.
// Integer operations are to give the bits that the hardware gives, by AMD's documentation; never compared. Products and sums
// of floats are taken in float32 and rounded to nearest even, where the hardware emulates float32 by parts: close, not the
// same bits. Names, shapes and meanings are aie_api's; what it does not have must not be added (tests/npu/aie_api_test.cpp has
// the list).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

struct uint4 {};  // names the type of elements that lie two to a byte, the first in the low half

struct bfloat16 {
  uint16_t bits = 0;
  bfloat16() = default;
  explicit bfloat16(float value) {
    uint32_t b = std::bit_cast<uint32_t>(value);
    bool nan = (b & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<uint16_t>(nan ? (b >> 16) | 0x40 : (b + 0x7fff + ((b >> 16) & 1)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

struct acc32 {};
struct accfloat {};

namespace aie {

enum class rounding_mode { floor, conv_even };  // conv_even: to nearest, halves to even
enum class saturation_mode { none, saturate };

// A core's control registers.
struct tile {
  rounding_mode rounding = rounding_mode::floor;
  saturation_mode saturation = saturation_mode::none;
  static tile& current() {
    thread_local tile registers;
    return registers;
  }
};
inline void set_rounding(rounding_mode mode) { tile::current().rounding = mode; }
inline void set_saturation(saturation_mode mode) { tile::current().saturation = mode; }

template <typename T>
constexpr unsigned bits_of = std::is_same_v<T, uint4> ? 4 : 8 * sizeof(T);

template <typename T, unsigned N>
class vector {
  static_assert(N * bits_of<T> >= 128 && N * bits_of<T> <= 1024, "registers have 128 to 1024 bits");

 public:
  void set(T value, unsigned i) { lanes[i] = value; }
  T operator[](unsigned i) const { return lanes[i]; }

  template <unsigned M>
  vector<T, M> extract(unsigned part) const {
    vector<T, M> out;
    std::memcpy(out.lanes, lanes + part * M, sizeof out.lanes);
    return out;
  }
  // The same bits as elements of another size.
  template <typename U>
  vector<U, N * bits_of<T> / bits_of<U>> cast_to() const {
    vector<U, N * bits_of<T> / bits_of<U>> out;
    static_assert(sizeof out.lanes == sizeof lanes);
    std::memcpy(out.lanes, lanes, sizeof lanes);
    return out;
  }

  T lanes[N];
};

template <unsigned N>
class vector<uint4, N> {
 public:
  vector<uint8_t, N> unpack() const {
    vector<uint8_t, N> out;
    for (unsigned i = 0; i < N / 2; ++i) {
      out.lanes[2 * i] = lanes[i] & 15;
      out.lanes[2 * i + 1] = lanes[i] >> 4;
    }
    return out;
  }
  uint8_t lanes[N / 2];
};

// Accumulators: sums that are wider than what they are of.
template <typename Tag, unsigned N>
class accum;

template <unsigned N>
class accum<acc32, N> {
 public:
  accum() = default;
  explicit accum(const vector<int32_t, N>& from) { std::memcpy(lanes, from.lanes, sizeof lanes); }

  // Shifted to the right, rounded, then cut to T or held within its range, as the core's registers say.
  template <typename T>
  vector<T, N> to_vector(int shift = 0) const {
    vector<T, N> out;
    for (unsigned i = 0; i < N; ++i) out.lanes[i] = narrow<T>(shifted(lanes[i], shift));
    return out;
  }
  int32_t lanes[N];

 private:
  static int64_t shifted(int64_t value, int shift) {
    if (shift == 0) return value;
    int64_t floor = value >> shift, rest = value - (floor << shift), half = int64_t{1} << (shift - 1);
    bool up = tile::current().rounding == rounding_mode::conv_even && (rest > half || (rest == half && (floor & 1)));
    return floor + up;
  }
  template <typename T>
  static T narrow(int64_t value) {
    if (tile::current().saturation == saturation_mode::saturate) {
      constexpr int64_t low = std::is_signed_v<T> ? -(int64_t{1} << (8 * sizeof(T) - 1)) : 0;
      constexpr int64_t high = (int64_t{1} << (8 * sizeof(T) - std::is_signed_v<T>)) - 1;
      value = value < low ? low : value > high ? high : value;
    }
    return static_cast<T>(value);
  }
};

template <unsigned N>
class accum<accfloat, N> {
 public:
  accum() = default;
  template <typename T>
  explicit accum(const vector<T, N>& from) {
    for (unsigned i = 0; i < N; ++i) lanes[i] = static_cast<float>(from.lanes[i]);
  }
  template <typename T>
  vector<T, N> to_vector() const {
    vector<T, N> out;
    for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<T>(lanes[i]);
    return out;
  }
  float lanes[N];
};

template <unsigned N, typename T>
vector<T, N> load_v(const T* from) {
  vector<T, N> out;
  std::memcpy(out.lanes, from, sizeof out.lanes);
  return out;
}

template <typename T, unsigned N>
void store_v(T* to, const vector<T, N>& from) {
  std::memcpy(to, from.lanes, sizeof from.lanes);
}

template <typename T, unsigned N>
vector<T, N> broadcast(T value) {
  vector<T, N> out;
  for (T& lane : out.lanes) lane = value;
  return out;
}

template <typename T, unsigned N>
vector<T, N> zeros() {
  return broadcast<T, N>(T{});
}

template <typename T, unsigned N>
vector<T, N> add(const vector<T, N>& a, const vector<T, N>& b) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<T>(a.lanes[i] + b.lanes[i]);
  return out;
}

template <typename T, unsigned N>
vector<T, N> sub(const vector<T, N>& a, const vector<T, N>& b) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<T>(a.lanes[i] - b.lanes[i]);
  return out;
}

template <typename T, unsigned N>
vector<T, N> max(const vector<T, N>& a, const vector<T, N>& b) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = a.lanes[i] < b.lanes[i] ? b.lanes[i] : a.lanes[i];
  return out;
}

template <typename T, unsigned N>
vector<T, N> min(const vector<T, N>& a, const vector<T, N>& b) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = b.lanes[i] < a.lanes[i] ? b.lanes[i] : a.lanes[i];
  return out;
}

template <typename T, unsigned N, typename... Others>
vector<T, N * (1 + sizeof...(Others))> concat(const vector<T, N>& first, const Others&... others) {
  vector<T, N * (1 + sizeof...(Others))> out;
  T* to = out.lanes;
  for (const vector<T, N>* part : {&first, &others...}) {
    std::memcpy(to, part->lanes, sizeof part->lanes);
    to += N;
  }
  return out;
}

// A row-major matrix becomes one by columns.
template <typename T, unsigned N>
vector<T, N> transpose(const vector<T, N>& from, unsigned rows, unsigned columns) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i % columns * rows + i / columns] = from.lanes[i];
  return out;
}

// To the left, by bits.
template <unsigned N>
vector<int32_t, N> upshift(const vector<int32_t, N>& from, unsigned bits) {
  vector<int32_t, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<int32_t>(static_cast<uint32_t>(from.lanes[i]) << bits);
  return out;
}

// Chunks of n lanes in turn from a and b; two registers as long as one of them come out.
template <typename T, unsigned N>
std::pair<vector<T, N>, vector<T, N>> interleave_zip(const vector<T, N>& a, const vector<T, N>& b, unsigned n) {
  std::pair<vector<T, N>, vector<T, N>> out;
  for (unsigned i = 0; i < 2 * N; ++i) {
    unsigned chunk = i / n, from = chunk / 2 * n + i % n;
    T value = chunk % 2 ? b.lanes[from] : a.lanes[from];
    (i < N ? out.first.lanes[i] : out.second.lanes[i - N]) = value;
  }
  return out;
}

inline accum<acc32, 64> mul(const vector<int8_t, 64>& a, const vector<int8_t, 64>& b) {
  accum<acc32, 64> out;
  for (unsigned i = 0; i < 64; ++i) out.lanes[i] = a.lanes[i] * b.lanes[i];
  return out;
}

template <typename T, unsigned N>
  requires std::is_same_v<T, float> || std::is_same_v<T, bfloat16>
accum<accfloat, N> mul(const vector<T, N>& a, const vector<T, N>& b) {
  accum<accfloat, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<float>(a.lanes[i]) * static_cast<float>(b.lanes[i]);
  return out;
}

template <typename T, unsigned N>
accum<accfloat, N> mac(const accum<accfloat, N>& sum, const vector<T, N>& a, const vector<T, N>& b) {
  accum<accfloat, N> out;
  for (unsigned i = 0; i < N; ++i)
    out.lanes[i] = sum.lanes[i] + static_cast<float>(a.lanes[i]) * static_cast<float>(b.lanes[i]);
  return out;
}

template <typename T, unsigned N>
vector<T, N> to_float(const vector<int32_t, N>& from) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<T>(from.lanes[i]);
  return out;
}

// float to integer, to nearest. How a core rounds here depends on its mode: kernels must not.
template <typename T, unsigned N>
vector<T, N> to_fixed(const vector<float, N>& from) {
  vector<T, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = static_cast<T>(__builtin_rintf(from.lanes[i]));
  return out;
}

template <unsigned N>
vector<float, N> inv(const vector<float, N>& from) {
  vector<float, N> out;
  for (unsigned i = 0; i < N; ++i) out.lanes[i] = 1 / from.lanes[i];
  return out;
}

// Within 2^-10, as aie_api computes it for float: a guess by the bits and a step to correct it.
template <unsigned N>
vector<float, N> invsqrt(const vector<float, N>& from) {
  vector<float, N> out;
  for (unsigned i = 0; i < N; ++i) {
    const float x = from.lanes[i], y = std::bit_cast<float>(0x5f1ffff9 - (std::bit_cast<int32_t>(x) >> 1));
    out.lanes[i] = y * 0.703952253f * (2.38924456f - x * y * y);
  }
  return out;
}

// Of all lanes, in halves: the upper half to the lower one until one is left.
template <typename T, unsigned N>
T reduce_add(vector<T, N> v) {
  for (unsigned half = N / 2; half > 0; half /= 2)
    for (unsigned i = 0; i < half; ++i) v.lanes[i] = static_cast<T>(v.lanes[i] + v.lanes[i + half]);
  return v.lanes[0];
}

template <typename T, unsigned N>
T reduce_max(const vector<T, N>& v) {
  T largest = v.lanes[0];
  for (T lane : v.lanes) largest = largest < lane ? lane : largest;
  return largest;
}

// A block product of the matrix unit: row-major A [M, K] times B [K, N] added to C [M, N]. Integers are summed in int32,
// bfloat16 in float32, which the hardware does in an order of its own.
template <unsigned M, unsigned K, unsigned N, typename A, typename B>
class mmul {
  static constexpr bool floats = std::is_same_v<A, bfloat16>;
  using Sum = std::conditional_t<floats, float, int32_t>;

 public:
  static constexpr unsigned size_A = M * K, size_B = K * N, size_C = M * N;

  mmul() = default;
  explicit mmul(const vector<Sum, size_C>& from) : sum_(from) {}

  void mac(const vector<A, size_A>& a, const vector<B, size_B>& b) {
    for (unsigned m = 0; m < M; ++m)
      for (unsigned k = 0; k < K; ++k)
        for (unsigned n = 0; n < N; ++n)
          sum_.lanes[m * N + n] += static_cast<Sum>(a.lanes[m * K + k]) * static_cast<Sum>(b.lanes[k * N + n]);
  }

  template <typename T>
  vector<T, size_C> to_vector() const {
    return sum_.template to_vector<T>();
  }

 private:
  accum<std::conditional_t<floats, accfloat, acc32>, size_C> sum_;
};

}  // namespace aie
