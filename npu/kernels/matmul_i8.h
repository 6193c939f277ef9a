// The int8 product of one tile: C += A · B, in blocks of the matrix unit. All three lie in blocks, in the order in which
// they are read, so that no address is computed but the next one:
//
//   A [m/4, k/8, 4, 8]    B [n/8, k/8, 8, 8]    C [m/4, n/8, 4, 8]
//
// Sixteen blocks' sums would not fit the registers; eight do: 4 block rows by 2 block columns. They read 4·32 + 2·64 bytes
// for 8 products, half of what a core can load meanwhile, which leaves room for loading and storing C.
#pragma once

#include <aie_api/aie.hpp>

template <int m, int k, int n>
inline void matmul_i8(const int8_t* __restrict a, const int8_t* __restrict b, int32_t* __restrict c) {
  using Block = aie::mmul<4, 8, 8, int8_t, int8_t>;
  constexpr int depth = k / 8, columns = n / 8;
  constexpr int a_row = depth * Block::size_A, b_column = depth * Block::size_B, c_row = columns * Block::size_C;
  static_assert(m % 16 == 0 && k % 8 == 0 && n % 16 == 0);

  for (int i = 0; i < m / 4; i += 4) {
    for (int j = 0; j < columns; j += 2) {
      const int8_t* __restrict a0 = a + i * a_row;
      const int8_t* __restrict b0 = b + j * b_column;
      int32_t* __restrict c0 = c + i * c_row + j * Block::size_C;
      Block c00(aie::load_v<32>(c0)), c01(aie::load_v<32>(c0 + 32));
      Block c10(aie::load_v<32>(c0 + c_row)), c11(aie::load_v<32>(c0 + c_row + 32));
      Block c20(aie::load_v<32>(c0 + 2 * c_row)), c21(aie::load_v<32>(c0 + 2 * c_row + 32));
      Block c30(aie::load_v<32>(c0 + 3 * c_row)), c31(aie::load_v<32>(c0 + 3 * c_row + 32));
      for (int d = 0; d < depth; ++d) {
        const auto left = aie::load_v<64>(b0), right = aie::load_v<64>(b0 + b_column);
        const auto row0 = aie::load_v<32>(a0), row1 = aie::load_v<32>(a0 + a_row);
        const auto row2 = aie::load_v<32>(a0 + 2 * a_row), row3 = aie::load_v<32>(a0 + 3 * a_row);
        c00.mac(row0, left), c01.mac(row0, right);
        c10.mac(row1, left), c11.mac(row1, right);
        c20.mac(row2, left), c21.mac(row2, right);
        c30.mac(row3, left), c31.mac(row3, right);
        a0 += Block::size_A;
        b0 += Block::size_B;
      }
      aie::store_v(c0, c00.template to_vector<int32_t>()), aie::store_v(c0 + 32, c01.template to_vector<int32_t>());
      c0 += c_row;
      aie::store_v(c0, c10.template to_vector<int32_t>()), aie::store_v(c0 + 32, c11.template to_vector<int32_t>());
      c0 += c_row;
      aie::store_v(c0, c20.template to_vector<int32_t>()), aie::store_v(c0 + 32, c21.template to_vector<int32_t>());
      c0 += c_row;
      aie::store_v(c0, c30.template to_vector<int32_t>()), aie::store_v(c0 + 32, c31.template to_vector<int32_t>());
    }
  }
}
