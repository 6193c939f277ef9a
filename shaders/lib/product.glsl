// What the kernels of products are told (src/device/vulkan/linear_ops.cpp).
const uint kProduct = 0, kGated = 1, kWhere = 2;     // kinds
const uint kAsIs = 0, kRounded = 1, kNormed = 2;     // ends: what becomes of the result
const uint kNone = 0, kFactors = 1, kSquares = 2;    // by what a row's result is multiplied: its root mean square was left apart

// What only some are told.
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer More {
  uint64_t to_numbers, to_scales;           // the result as int8 besides, or what is made of it
  Floats residual, norm_weight;             // kNormed: added to the result; [columns], by which the sum is multiplied
  Floats to_sum, to_squares;                // the sum [rows, columns]; its blocks' squares [rows, columns / 32]
  Floats factors;                           // of rows of x: kFactors: [rows]; kSquares: [rows, depth / 32], of which they come
  float epsilon;
};

layout(push_constant) uniform Push {
  Step step;
  uint64_t x, scales;         // [rows, depth]: floats; or int8 numbers with scales [rows, depth / 32]
  Floats to;                  // [rows, columns]
  uint64_t weight, second;    // panels; second: of up, where `weight` is gate's. Of experts: addresses of each one's three
  Floats other;               // bias [columns], or the gate [rows, columns] of kWhere
  uint64_t tables;            // the format's code book
  Ints chosen;                // experts of each row, `used` for each token
  uint depth, columns, first; // first row of the weight
  uint panel_bytes;
  int rows;
  uint used, x_rows;          // rows of the result for each row that is live, and for each row of x
  uint act, has_bias;
  uint64_t link;              // lib/chain.glsl; 0: there are barriers
  More more;
};

// Where the panels begin: as told, or of the expert that a row is sent to, which is known before a chain begins: who chooses
// it stands in none.
uint64_t matrix(uint64_t told, bool of_experts, uint row_of_x) {
  return of_experts ? Addresses(told).at[chosen.at[row_of_x] * 3] : told;
}

uint64_t panel_of(uint64_t matrix, uint row) { return matrix + uint64_t(row / 16) * panel_bytes; }

// A result times its row's factor: rounded, whatever is added then, so that all kernels give the same bits.
float scaled(float result, float factor) {
  precise float product = result * factor;
  return product;
}

// Of row `row` and this column of the result, once all of it is summed up.
float finished(float sum, uint kind, uint row, uint column) {
  if (kind == kWhere && other.at[row * columns + column] == 0) return 0;
  return has_bias != 0 ? sum + other.at[column] : sum;
}
