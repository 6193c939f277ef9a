// Attention of few rows that puts the step's own keys and values in the cache first: lib/attend.glsl. Memory is read coherently:
// what one lane has just written, another one of its workgroup must not find as it was in a cache of its own.
#version 460
#define RELAYS
#define MEMORY_IS coherent
const bool kWrites = true;
void wait();
void pass();
#include "lib/attend.glsl"
#include "lib/relay.glsl"

void wait() { if (relay != 0) wait_in(Relay(relay)); }
void pass() { if (relay != 0) pass_on(Relay(relay)); }
