// Attention over keys and values that are all in the cache, or over a span of rows: lib/attend.glsl.
#version 460
const bool kWrites = false;
#include "lib/attend.glsl"
