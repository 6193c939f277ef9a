// A product whose answer is known. An array that gets one bit of it wrong is not used.
#pragma once

#include "npu/runtime/gemm_array.h"

namespace troika::npu {

constexpr GemmShape kKnownShape{256, 512, 128};

class WrongAnswer : public Error {
 public:
  using Error::Error;
};

class KnownProduct {
 public:
  explicit KnownProduct(const GemmContext& context);

  Product product;
  // Writes X where `x` is seen, runs, and throws WrongAnswer with the first wrong value; ArrayError, too.
  void run(std::span<std::byte> x);
  void run() { run(product.x.host()); }

 private:
  std::vector<std::byte> packed_x_;
  ArrayBuffer w_;
  std::vector<int32_t> answer_;
};

}  // namespace troika::npu
