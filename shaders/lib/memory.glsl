// Reading memory through 64-bit addresses. The name says what lies at the address, which is aligned to as much. Nobody writes
// it meanwhile, unless who includes this says in MEMORY_IS that it is coherent.
#ifndef TROIKA_MEMORY
#define TROIKA_MEMORY
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require

#ifndef MEMORY_IS
#define MEMORY_IS restrict
#endif
layout(buffer_reference, scalar, buffer_reference_align = 16) MEMORY_IS readonly buffer Words4 { uvec4 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) MEMORY_IS readonly buffer Words2 { uvec2 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) MEMORY_IS readonly buffer Words { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) MEMORY_IS readonly buffer Halves { uint16_t at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 1) MEMORY_IS readonly buffer Bytes { uint8_t at[]; };

uvec4 words4_at(uint64_t address) { return Words4(address).at[0]; }
uvec2 words2_at(uint64_t address) { return Words2(address).at[0]; }
uint word_at(uint64_t address) { return Words(address).at[0]; }
uint bits16_at(uint64_t address) { return uint(Halves(address).at[0]); }
uint byte_at(uint64_t address) { return uint(Bytes(address).at[0]); }

float float_of_half(uint bits) { return unpackHalf2x16(bits).x; }
float half_at(uint64_t address) { return float_of_half(bits16_at(address)); }

#endif
