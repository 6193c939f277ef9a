// The product of one tile: C += A · B, in block products of the matrix unit, [4, bk] times [bk, bn] by what numbers they are
// of (aie::mmul). All three lie in blocks, in the order in which they are read, so that no address is computed but the next
// one:
//
//   A [m/4, k/bk, 4, bk]    B [n/bn, k/bk, bk, bn]    C [m/4, n/bn, 4, bn]
//
// The sums of 4 block rows by 2 block columns stay in registers: sixteen of int32 would not fit. With int8 they read
// 4·32 + 2·64 bytes for 8 products, half of what a core can load meanwhile, with bfloat16 three quarters. That leaves room
// for loading and storing C.
#pragma once

#include <aie_api/aie.hpp>

template <typename Block, int m, int k, int n, typename A, typename B, typename C>
inline void matmul(const A* __restrict a, const B* __restrict b, C* __restrict c) {
  constexpr int size_a = Block::size_A, size_b = Block::size_B, size_c = Block::size_C;
  constexpr int depth = 4 * k / size_a, columns = 4 * n / size_c;
  constexpr int a_row = depth * size_a, b_column = depth * size_b, c_row = columns * size_c;
  static_assert(m % 16 == 0 && 4 * k % size_a == 0 && n % (size_c / 2) == 0);

  for (int i = 0; i < m / 4; i += 4) {
    for (int j = 0; j < columns; j += 2) {
      const A* __restrict a0 = a + i * a_row;
      const B* __restrict b0 = b + j * b_column;
      C* __restrict c0 = c + i * c_row + j * size_c;
      Block c00(aie::load_v<size_c>(c0)), c01(aie::load_v<size_c>(c0 + size_c));
      Block c10(aie::load_v<size_c>(c0 + c_row)), c11(aie::load_v<size_c>(c0 + c_row + size_c));
      Block c20(aie::load_v<size_c>(c0 + 2 * c_row)), c21(aie::load_v<size_c>(c0 + 2 * c_row + size_c));
      Block c30(aie::load_v<size_c>(c0 + 3 * c_row)), c31(aie::load_v<size_c>(c0 + 3 * c_row + size_c));
      for (int d = 0; d < depth; ++d) {
        const auto left = aie::load_v<size_b>(b0), right = aie::load_v<size_b>(b0 + b_column);
        const auto row0 = aie::load_v<size_a>(a0), row1 = aie::load_v<size_a>(a0 + a_row);
        const auto row2 = aie::load_v<size_a>(a0 + 2 * a_row), row3 = aie::load_v<size_a>(a0 + 3 * a_row);
        c00.mac(row0, left), c01.mac(row0, right);
        c10.mac(row1, left), c11.mac(row1, right);
        c20.mac(row2, left), c21.mac(row2, right);
        c30.mac(row3, left), c31.mac(row3, right);
        a0 += size_a;
        b0 += size_b;
      }
      aie::store_v(c0, c00.template to_vector<C>()), aie::store_v(c0 + size_c, c01.template to_vector<C>());
      c0 += c_row;
      aie::store_v(c0, c10.template to_vector<C>()), aie::store_v(c0 + size_c, c11.template to_vector<C>());
      c0 += c_row;
      aie::store_v(c0, c20.template to_vector<C>()), aie::store_v(c0 + size_c, c21.template to_vector<C>());
      c0 += c_row;
      aie::store_v(c0, c30.template to_vector<C>()), aie::store_v(c0 + size_c, c31.template to_vector<C>());
    }
  }
}

// The same of one block row, for few rows: every block of B is used once, so loading it is what takes time.
template <typename Block, int k, int n, typename A, typename B, typename C>
inline void matmul_4(const A* __restrict a, const B* __restrict b, C* __restrict c) {
  constexpr int size_a = Block::size_A, size_b = Block::size_B, size_c = Block::size_C;
  constexpr int depth = 4 * k / size_a, columns = 4 * n / size_c, b_column = depth * size_b;
  static_assert(4 * k % size_a == 0 && n % size_c == 0);

  for (int j = 0; j < columns; j += 4) {
    const B* __restrict b0 = b + j * b_column;
    C* __restrict c0 = c + j * size_c;
    Block sum0(aie::load_v<size_c>(c0)), sum1(aie::load_v<size_c>(c0 + size_c));
    Block sum2(aie::load_v<size_c>(c0 + 2 * size_c)), sum3(aie::load_v<size_c>(c0 + 3 * size_c));
    for (int d = 0; d < depth; ++d) {
      const auto rows = aie::load_v<size_a>(a + d * size_a);
      sum0.mac(rows, aie::load_v<size_b>(b0)), sum1.mac(rows, aie::load_v<size_b>(b0 + b_column));
      sum2.mac(rows, aie::load_v<size_b>(b0 + 2 * b_column)), sum3.mac(rows, aie::load_v<size_b>(b0 + 3 * b_column));
      b0 += size_b;
    }
    aie::store_v(c0, sum0.template to_vector<C>()), aie::store_v(c0 + size_c, sum1.template to_vector<C>());
    aie::store_v(c0 + 2 * size_c, sum2.template to_vector<C>());
    aie::store_v(c0 + 3 * size_c, sum3.template to_vector<C>());
  }
}
