// The lines of Q4_K and Q5_K: eight groups, in each w = scale * q + least. Their blocks begin with d and dmin (halves)
// and 12 bytes of scales and mins of 6 bits, by which d and dmin are multiplied. Bits 7..0 of the 12 bytes:
//   byte 0..3    scale[4+i] bits 5,4 | scale[i] (6 bits)
//   byte 4..7    min[4+i]   bits 5,4 | min[i]   (6 bits)
//   byte 8..11   min[4+i]   bits 3-0 | scale[4+i] bits 3-0
#ifndef TROIKA_SIX_BIT_LINES
#define TROIKA_SIX_BIT_LINES

struct Line {
  float scale, least;
};

// `head`: the first 16 bytes of the block.
Line line_of(uvec4 head, uint group) {
  uvec3 bytes = head.yzw >> (8 * (group & 3)) & 0xffu;
  uvec2 scale_and_min = bytes.xy & 63;
  if (group >= 4) scale_and_min = uvec2(bytes.z & 15, bytes.z >> 4) | bytes.xy >> 6 << 4;
  vec2 factors = unpackHalf2x16(head.x) * vec2(scale_and_min);
  return Line(factors.x, -factors.y);
}

#endif
