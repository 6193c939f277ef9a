// The shape of a dense, row-major, contiguous tensor: outermost dimension first, no strides.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace troika {

struct Shape {
  std::array<int, 4> dim{1, 1, 1, 1};  // dim[0] is outermost; dims past the rank are 1
  int rank = 0;

  Shape() = default;
  Shape(std::initializer_list<int> dims);  // 1 to 4 positive numbers

  int operator[](int i) const { return dim[i]; }
  int columns() const { return dim[rank - 1]; }                 // the contiguous dimension
  int64_t values() const { return int64_t{dim[0]} * dim[1] * dim[2] * dim[3]; }
  int64_t rows() const { return values() / columns(); }
  bool operator==(const Shape&) const = default;
};

std::string to_string(const Shape& shape);  // "[T, 896]" style: "[3, 896]"

}  // namespace troika
