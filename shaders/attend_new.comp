// Attention of few rows that puts the step's own keys and values in the cache first: lib/attend.glsl. Memory is read coherently:
// what one lane has just written, another one of its workgroup must not find as it was in a cache of its own.
#version 460
#define CHAINED
#define MEMORY_IS coherent
const bool kWrites = true;
void wait();
void pass_on();
#include "lib/attend.glsl"
#include "lib/chain.glsl"
