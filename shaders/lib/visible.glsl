// How memory is declared that one dispatch writes and the next reads: VISIBLE, of each member. Where barriers stand between
// them, it need not say anything. Shaders that know relays (lib/relay.glsl) define RELAYS in front of all includes, and then
// it is coherent, which passes by a processor's own cache; or VULKAN_MEMORY_MODEL besides: then it is kept there, and the
// barriers of relay.glsl see to it that nothing old is.
#ifndef TROIKA_VISIBLE
#define TROIKA_VISIBLE
#ifdef RELAYS
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
