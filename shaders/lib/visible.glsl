// How memory is declared that one dispatch writes and the next one reads: each member is VISIBLE. Between barriers this says
// nothing. Shaders that may stand in a chain (lib/chain.glsl) define CHAINED in front of all includes. Then such memory is
// coherent: each access passes by the processor's own cache. With VULKAN_MEMORY_MODEL defined besides, it is read through that
// cache, and wait() empties it.
#ifndef TROIKA_VISIBLE
#define TROIKA_VISIBLE
#ifdef CHAINED
#extension GL_KHR_memory_scope_semantics : require
#ifdef VULKAN_MEMORY_MODEL
#pragma use_vulkan_memory_model
#define VISIBLE nonprivate
const int kMakeAvailable = gl_SemanticsMakeAvailable, kMakeVisible = gl_SemanticsMakeVisible;
#else
#define VISIBLE coherent
const int kMakeAvailable = 0, kMakeVisible = 0;
#endif
#else
#define VISIBLE
#endif
#endif
