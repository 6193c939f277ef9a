// Levels of 4 bits that are no line: 16 bytes at a time are looked up in a table of 16 numbers, without an index. Bit k
// of a nibble, spread to a mask of its byte, chooses between two candidates; four such rounds leave one of 16.
#ifndef TROIKA_LEVELS
#define TROIKA_LEVELS

uvec4 choose(uvec4 mask, uvec4 one, uvec4 zero) { return (one & mask) | (zero & ~mask); }

uvec4 mask_of(uvec4 nibbles, uint bit) { return (nibbles >> bit & 0x01010101u) * 0xffu; }

// Byte `index` of the table in all four bytes of a word.
uvec4 level(uvec4 table, uint index) { return uvec4((table[index / 4] >> (index % 4 * 8) & 0xffu) * 0x01010101u); }

uvec4 choose_of_four(uvec4 mask0, uvec4 mask1, uvec4 table, uint first) {
  return choose(mask1, choose(mask0, level(table, first + 3), level(table, first + 2)),
                choose(mask0, level(table, first + 1), level(table, first)));
}

// `nibbles`: in the low four bits of each byte; the others do not matter. `table`: constant, the number of 0 in
// the lowest byte of x.
uvec4 look_up(uvec4 nibbles, const uvec4 table) {
  uvec4 mask0 = mask_of(nibbles, 0), mask1 = mask_of(nibbles, 1), mask2 = mask_of(nibbles, 2);
  uvec4 upper = choose(mask2, choose_of_four(mask0, mask1, table, 12), choose_of_four(mask0, mask1, table, 8));
  uvec4 lower = choose(mask2, choose_of_four(mask0, mask1, table, 4), choose_of_four(mask0, mask1, table, 0));
  return choose(mask_of(nibbles, 3), upper, lower);
}

// -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113: IQ4_NL, IQ4_XS
const uvec4 kIq4Levels = uvec4(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);

// 0 1 2 3 | 4 6 8 12 | 0 -1 -2 -3 | -4 -6 -8 -12: the numbers of FP4 E2M1, doubled
const uvec4 kFp4Levels = uvec4(0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu);

#endif
