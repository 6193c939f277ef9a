// Arithmetic of float32 on sixteen lanes, which a core puts together from products of bfloat16, and what it has no
// instructions for.
#pragma once

#include <aie_api/aie.hpp>

using Floats = aie::vector<float, 16>;

static inline Floats all(float value) { return aie::broadcast<float, 16>(value); }
static inline Floats floats(const bfloat16* from) {
  return aie::accum<accfloat, 16>(aie::load_v<16>(from)).to_vector<float>();
}
static inline aie::vector<bfloat16, 16> rounded(const Floats& values) {
  return aie::accum<accfloat, 16>(values).to_vector<bfloat16>();
}
static inline void store(bfloat16* to, const Floats& values) { aie::store_v(to, rounded(values)); }

static inline Floats product(const Floats& a, const Floats& b) { return aie::mul(a, b).to_vector<float>(); }

// c + a · b
static inline Floats added_product(const Floats& c, const Floats& a, const Floats& b) {
  return aie::mac(aie::accum<accfloat, 16>(c), a, b).to_vector<float>();
}

// 2^x for x from −126 to 126, within 2^-12 of it. x is cut into a whole number, which goes into the exponent of a float, and
// the rest r, which lies within −1 to 1 whichever way the cut rounds: 2^r is the square of a polynomial of the third degree,
// that of the smallest relative error among those which are 1 at 0.
static inline Floats exp2(const Floats& x) {
  const auto whole = aie::to_fixed<int32_t>(x);
  const Floats rest = aie::sub(x, aie::to_float<float>(whole));
  Floats root = added_product(all(0.06055275f), all(0.006876117f), rest);
  root = added_product(all(0.34664146f), root, rest);
  root = added_product(all(1), root, rest);
  const Floats power = product(root, root);
  return aie::add(power.cast_to<int32_t>(), aie::upshift(whole, 23)).cast_to<float>();
}

// 1 / √x, within 2^-18: the core's own is within 2^-10, one step of Newton's does the rest.
static inline Floats inverse_root(const Floats& x) {
  const Floats y = aie::invsqrt(x);
  return product(y, added_product(all(1.5f), product(product(all(-0.5f), x), y), y));
}
