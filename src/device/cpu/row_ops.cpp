// Embeddings, norms, activations, and what moves rows about.
#include "device/cpu/op_compiler.h"

#include <array>
#include <cstring>

namespace troika::device::cpu {

void OpCompiler::embed(const Op& op) {
  const CpuWeight& w = weight(op.in[0]);
  const FormatInfo& format = info(w.format);
  size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
  size_t stride = row_bytes(w.format, static_cast<int64_t>(width));
  float* out = data(op.out[0]);
  each_row(rows(op.out[0]), [=, &inputs = inputs_, unpack = format.unpack, table = w.data,
                             entries = w.view.shape[0]](int t) {
    int32_t id = inputs.token_ids[t];
    unpack(table + (id < entries ? id : 0) * stride, std::span(out + t * width, width));
  });
}

void OpCompiler::features(const Op& op) {
  size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
  each_row(rows(op.out[0]), [=, &inputs = inputs_, out = data(op.out[0])](int t) {
    std::memcpy(out + t * width, inputs.features.data() + t * width, width * sizeof(float));
  });
}

void OpCompiler::insert_features(const Op& op) {
  size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
  each_row(rows(op.out[0]), [=, &inputs = inputs_, x = data(op.in[0]), out = data(op.out[0])](int t) {
    int32_t row = inputs.feature_rows[t];
    const float* from = row >= 0 ? inputs.features.data() + row * width : x + t * width;
    std::memcpy(out + t * width, from, width * sizeof(float));
  });
}

void OpCompiler::rms_norm(const Op& op) {
  auto [epsilon, width] = op.as<ops::NormParams>();
  int columns = program_[op.out[0]].shape.columns();
  each_row(rows(op.out[0]),
           [=, norm = table_.rms_norm, x = data(op.in[0]), w = op.in.size() > 1 ? vector(op.in[1]) : nullptr,
            out = data(op.out[0]), width = width, epsilon = epsilon](int row) {
             size_t at = size_t(row) * columns;
             norm(x + at, w, out + at, columns / width, width, epsilon);
           });
}

void OpCompiler::layer_norm(const Op& op) {
  each_row(rows(op.out[0]),
           [norm = table_.layer_norm, x = data(op.in[0]), w = vector(op.in[1]), b = vector(op.in[2]),
            out = data(op.out[0]), n = program_[op.out[0]].shape.columns(),
            epsilon = op.as<ops::NormParams>().epsilon](int row) {
             norm(x + size_t(row) * n, w, b, out + size_t(row) * n, 1, n, epsilon);
           });
}

void OpCompiler::add_norm(const Op& op) {
  each_row(rows(op.out[0]),
           [norm = table_.add_norm, a = data(op.in[0]), b = data(op.in[1]), w = vector(op.in[2]),
            sum = data(op.out[0]), normed = data(op.out[1]), n = program_[op.out[0]].shape.columns(),
            epsilon = op.as<ops::NormParams>().epsilon](int row) {
             size_t at = size_t(row) * n;
             norm(a + at, b + at, w, sum + at, normed + at, 1, n, epsilon);
           });
}

void OpCompiler::mix(const Op& op) {
  constexpr size_t kMost = 8;
  check(op.in.size() <= kMost + 1, "mix takes a few tensors");
  std::array<const float*, kMost> from{};
  for (size_t j = 1; j < op.in.size(); ++j) from[j - 1] = data(op.in[j]);
  int columns = program_[op.in[0]].shape.columns();
  each_row(rows(op.out[0]),
           [=, kernel = table_.mix, w = data(op.in[0]) + op.as<ops::MixParams>().first, out = data(op.out[0]),
            count = int(op.in.size()) - 1, n = size_t(program_[op.out[0]].shape.columns())](int row) {
             std::array<const float*, kMost> x{};
             for (int j = 0; j < count; ++j) x[j] = from[j] + row * n;
             kernel(w + size_t(row) * columns, x.data(), count, out + row * n, n);
           });
}

void OpCompiler::match_rms(const Op& op) {
  each_row(rows(op.out[0]),
           [kernel = table_.match_rms, x = data(op.in[0]), like = data(op.in[1]), out = data(op.out[0]),
            n = program_[op.out[0]].shape.columns(), floor = op.as<ops::MatchParams>().floor](int row) {
             size_t at = size_t(row) * n;
             kernel(x + at, like + at, out + at, n, floor);
           });
}

void OpCompiler::cut_below(const Op& op) {
  each_row(rows(op.out[0]),
           [kernel = table_.cut_below, x = data(op.in[0]), out = data(op.out[0]),
            n = program_[op.out[0]].shape.columns(), deviations = op.as<ops::CutParams>().deviations](int row) {
             size_t at = size_t(row) * n;
             kernel(x + at, out + at, n, deviations);
           });
}

void OpCompiler::binary(const Op& op, void (*kernel)(const float*, const float*, float*, size_t) noexcept) {
  each_piece(op.out[0], [=, a = data(op.in[0]), b = data(op.in[1]), out = data(op.out[0])](size_t i, size_t n) {
    kernel(a + i, b + i, out + i, n);
  });
}

void OpCompiler::mul_by(const Op& op) {
  each_row(rows(op.out[0]), [kernel = table_.mul, x = data(op.in[0]), w = vector(op.in[1]), out = data(op.out[0]),
                             n = size_t(program_[op.out[0]].shape.columns())](int row) {
    kernel(x + row * n, w, out + row * n, n);
  });
}

void OpCompiler::scale(const Op& op) {
  each_piece(op.out[0], [kernel = table_.scale, x = data(op.in[0]), out = data(op.out[0]),
                         factor = op.as<ops::ScaleParams>().factor](size_t i, size_t n) {
    kernel(x + i, factor, out + i, n);
  });
}

void OpCompiler::softcap(const Op& op) {
  each_piece(op.out[0], [kernel = table_.softcap, x = data(op.in[0]), out = data(op.out[0]),
                         cap = op.as<ops::SoftcapParams>().cap](size_t i, size_t n) {
    kernel(x + i, cap, out + i, n);
  });
}

void OpCompiler::act(const Op& op) {
  each_piece(op.out[0], [kernel = table_.unary, x = data(op.in[0]), out = data(op.out[0]),
                         kind = unary_of(op.as<ops::ActParams>().act)](size_t i, size_t n) {
    kernel(kind, x + i, out + i, n);
  });
}

void OpCompiler::gated(const Op& op) {
  each_piece(op.out[0], [kernel = table_.gated, gate = data(op.in[0]), up = data(op.in[1]), out = data(op.out[0]),
                         kind = unary_of(op.as<ops::ActParams>().act)](size_t i, size_t n) {
    kernel(kind, gate + i, up + i, out + i, n);
  });
}

// Rows that follow each other lie together already.
void OpCompiler::join_rows(const Op& op) {
  size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
  each_row(rows(op.out[0]), [=, x = data(op.in[0]), out = data(op.out[0])](int o) {
    std::memcpy(out + o * width, x + o * width, width * sizeof(float));
  });
}

void OpCompiler::mean_rows(const Op& op) {
  int group = program_.tokens / program_.outputs;
  each_row(rows(op.out[0]), [=, add = table_.add, scale = table_.scale, x = data(op.in[0]), out = data(op.out[0]),
                             n = size_t(program_[op.out[0]].shape.columns())](int o) {
    const float* from = x + size_t(o) * group * n;
    float* to = out + o * n;
    std::memcpy(to, from, n * sizeof(float));
    for (int j = 1; j < group; ++j) add(to, from + j * n, to, n);
    scale(to, 1.0f / static_cast<float>(group), to, n);
  });
}

void OpCompiler::pick_rows(const Op& op) {
  size_t width = static_cast<size_t>(program_[op.out[0]].shape.columns());
  each_row(rows(op.out[0]), [=, &inputs = inputs_, x = data(op.in[0]), out = data(op.out[0])](int o) {
    std::memcpy(out + o * width, x + inputs.output_rows[o] * width, width * sizeof(float));
  });
}

void OpCompiler::concat(const Op& op) {
  size_t left = static_cast<size_t>(program_[op.in[0]].shape.columns());
  size_t right = static_cast<size_t>(program_[op.in[1]].shape.columns());
  each_row(rows(op.out[0]), [=, a = data(op.in[0]), b = data(op.in[1]), out = data(op.out[0])](int row) {
    float* to = out + row * (left + right);
    std::memcpy(to, a + row * left, left * sizeof(float));
    std::memcpy(to + left, b + row * right, right * sizeof(float));
  });
}

void OpCompiler::slice(const Op& op) {
  const auto& p = op.as<ops::SliceParams>();
  size_t from = static_cast<size_t>(program_[op.in[0]].shape.columns());
  each_row(rows(op.out[0]), [=, x = data(op.in[0]) + p.first, out = data(op.out[0]), n = size_t(p.count)](int row) {
    std::memcpy(out + row * n, x + row * from, n * sizeof(float));
  });
}

}  // namespace troika::device::cpu
