#include "tensor/shape.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace troika {

Shape::Shape(std::initializer_list<int> dims) {
  check(dims.size() >= 1 && dims.size() <= 4, "a shape has 1 to 4 dimensions");
  for (int d : dims) {
    check(d > 0, "a shape's dimensions are positive");
    dim[rank++] = d;
  }
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.dim.begin(), shape.dim.begin() + shape.rank, ", "));
}

}  // namespace troika
