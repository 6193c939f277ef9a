// Activations, by ops::Activation's numbers. Drivers may compute tanh and exp loosely near 0 and far from it; these stay
// within a few units in the last place of float32.
float tanh_of(float x) {
  const float square = x * x;
  if (square < 0.0625) return x * (1 + square * (-1.0 / 3 + square * (2.0 / 15 + square * (-17.0 / 315 + square * (62.0 / 2835)))));
  return sign(x) * (1 - 2 / (exp(2 * min(abs(x), 20.0)) + 1));
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7.
float erf_of(float x) {
  const float t = 1 / (1 + 0.3275911 * abs(x));
  const float sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1 - sum * exp(-x * x));
}

float activate(uint kind, float x) {
  switch (kind) {
    case 0: return x / (1 + exp(-x));
    case 1: return 0.5 * x * (1 + tanh_of(0.7978845608 * (x + 0.044715 * x * x * x)));
    case 2: return 0.5 * x * (1 + erf_of(x * 0.7071067812));
    case 3: return max(x, 0);
    default: return tanh_of(x);
  }
}
