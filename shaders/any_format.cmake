# A shader that knows many formats and is told by a constant which of them it multiplies with: one module instead of one for
# each format, where modules are checked in (prebuilt/). Gives `formats_of_any`, the formats by number, those of plain numbers
# last, and any_format(OP FILE), which writes shaders/OP.glsl behind all of quant/ but f32 to FILE. Also a script:
#
#   cmake -D OP=matmul_coop -D FILE=matmul_coop.comp -P shaders/any_format.cmake
file(GLOB files ${CMAKE_CURRENT_LIST_DIR}/quant/*.glsl)
set(formats_of_any "")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  if(NOT name MATCHES "^(f32|f16|bf16)$")
    list(APPEND formats_of_any ${name})
  endif()
endforeach()
list(APPEND formats_of_any f16 bf16)

function(any_format op file)
  set(constants kPlain kHasLeast kTwoScales kBlockValues kBlockBytes)
  set(names ${constants} kMiddle load_group load_of_pair load_block pair_of)
  set(includes "#include \"lib/group.glsl\"\n")
  set(groups "")
  set(pairs "")
  set(number 0)
  foreach(format ${formats_of_any})
    foreach(name ${names})
      string(APPEND includes "#define ${name} ${name}_${format}\n")
    endforeach()
    string(APPEND includes "#include \"quant/${format}.glsl\"\n")
    if(format MATCHES "^b?f16$")
      string(APPEND includes "const bool kHasLeast = false, kTwoScales = false;\n")
      string(APPEND pairs "  if (kFormat == ${number}) return pair_of_${format}(bits);\n")
    else()
      string(APPEND groups "  if (kFormat == ${number}) return load_group_${format}(block, row, group, tables);\n")
    endif()
    foreach(name ${names})
      string(APPEND includes "#undef ${name}\n")
    endforeach()
    file(STRINGS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/quant/${format}.glsl has_least REGEX "kHasLeast *= *true")
    if(has_least)
      string(APPEND choice_kMiddle "kFormat == ${number} ? kMiddle_${format} : ")
    endif()
    foreach(name ${constants})
      set(choice_${name} "${choice_${name}}kFormat == ${number} ? ${name}_${format} : ")
    endforeach()
    math(EXPR number "${number} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${file} CONTENT [[
#version 460
layout(constant_id = 0) const uint kFormat = 0;
@includes@
const bool kPlain = @choice_kPlain@false, kHasLeast = @choice_kHasLeast@false, kTwoScales = @choice_kTwoScales@false;
const uint kBlockValues = @choice_kBlockValues@32, kBlockBytes = @choice_kBlockBytes@16, kMiddle = @choice_kMiddle@0;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
@groups@  return group_of(uvec4(0), uvec4(0), 0);
}

vec2 pair_of(uint bits) {
@pairs@  return vec2(0);
}
#include "@op@.glsl"
]] @ONLY)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  any_format(${OP} ${FILE})
endif()
