// TQ1_0: w = d * (digit - 1). A byte holds digits in base 3 as a fraction of 256: times 3^n (mod 256) digit n is
// what the next factor of 3 carries out.
//   group g < 5    digit g of the bytes of pieces 0 and 1
//   groups 5..7    digits 0 to 4 of the bytes of piece 2, 16 weights each, then digits 0 to 3 of four more bytes
// Rest: those four bytes, d.
#include "lib/bytes.glsl"
#include "lib/group.glsl"
#include "lib/panel.glsl"

const bool kPlain = false, kHasLeast = false, kTwoScales = false;
const uint kBlockValues = 256, kBlockBytes = 54;

const uint kPowers[5] = uint[5](1, 3, 9, 27, 81);

// The digits of two bytes in each word, which have 16 bits for the products.
uvec4 digits_of_pairs(uvec4 pairs, uvec4 power) {
  uvec4 fraction = pairs * power & 0x00ff00ffu;
  return fraction * 3 >> 8 & 0x00ff00ffu;
}

uvec4 digits(uvec4 bytes, uvec4 power) {
  return digits_of_pairs(bytes & 0x00ff00ffu, power) | digits_of_pairs(bytes >> 8 & 0x00ff00ffu, power) << 8;
}

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
  uint64_t rest = rest_address(block, row, kBlockBytes);
  uvec4 first, second;
  if (group < 5) {
    uvec4 power = uvec4(kPowers[group]);
    first = digits(piece(block, row, 0), power);
    second = digits(piece(block, row, 1), power);
  } else {
    uvec4 bytes = piece(block, row, 2);
    uint n = 2 * (group - 5);
    first = digits(bytes, uvec4(kPowers[n]));
    second = group < 7 ? digits(bytes, uvec4(kPowers[n + 1]))
                       : digits(uvec4(bits16_at(rest) | bits16_at(rest + 2) << 16), uvec4(1, 3, 9, 27));
  }
  return group_of(add(first, -1), add(second, -1), half_at(rest + 4));
}
