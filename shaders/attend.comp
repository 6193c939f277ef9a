// Attention over keys and values that are all in the cache, or over a span of rows: lib/attend.glsl.
#version 460
const bool kWrites = false;
void wait() {}
void pass_on() {}
#include "lib/attend.glsl"
