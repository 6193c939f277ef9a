// Logits as keys, whole numbers in the same order: more likely is larger. What is no number has none, 0, and is never listed.
//
//   float    -∞ …            -0, 0         … ∞
//   key      007fffff …      80000000      … ff800000
const uint kNoKey = 0, kKeyOfNothing = 0x007fffffu;  // of -∞, whose weight is 0

bool is_number(int bits) { return (bits & 0x7fffffff) <= 0x7f800000; }

// Here and below all is computed and one thing chosen, since a lane that goes another way waits for each of its loads.
uint key_of(int bits) {
  const uint of_number = bits < 0 ? ~uint(bits) : uint(bits) | 0x80000000u, key = bits == 0x80000000 ? 0x80000000u : of_number;
  return is_number(bits) ? key : kNoKey;
}

float logit_of(uint key) { return uintBitsToFloat((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key); }

// e^((logit - largest) · factor)
float weight_of(uint key, uint largest, float factor) {
  const float weight = exp((logit_of(key) - logit_of(largest)) * factor);
  return key > kKeyOfNothing ? weight : 0;
}
