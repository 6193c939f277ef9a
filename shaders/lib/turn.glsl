// Rotary embedding: pair i of a head is its values i and i + D/2. One formula for all who turn.
vec2 turned(vec2 pair, float c, float s) { return vec2(fma(pair.x, c, -(pair.y * s)), fma(pair.y, c, pair.x * s)); }
