# A shader that knows all block formats and is told by a constant which of them it multiplies with: one module instead of
# one for each format, where modules are checked in (prebuilt/). Gives `formats_of_any`, the formats by number, and
# any_format(OP FILE), which writes shaders/OP.glsl behind all of quant/ to FILE. Also a script:
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

function(any_format op file)
  set(names kPlain kHasLeast kTwoScales kBlockValues kBlockBytes load_group)
  set(includes "")
  set(calls "")
  set(number 0)
  foreach(format ${formats_of_any})
    foreach(name ${names})
      string(APPEND includes "#define ${name} ${name}_${format}\n")
    endforeach()
    string(APPEND includes "#include \"quant/${format}.glsl\"\n")
    foreach(name ${names})
      string(APPEND includes "#undef ${name}\n")
      set(is "kFormat == ${number} ? ${name}_${format}")
      set(choice_${name} "${choice_${name}}${is} : ")
    endforeach()
    string(APPEND calls "  if (kFormat == ${number}) return load_group_${format}(block, row, group, tables);\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(CONFIGURE OUTPUT ${file} CONTENT [[
#version 460
layout(constant_id = 0) const uint kFormat = 0;
@includes@
const bool kHasLeast = @choice_kHasLeast@false, kTwoScales = @choice_kTwoScales@false;
const uint kBlockValues = @choice_kBlockValues@32, kBlockBytes = @choice_kBlockBytes@16;

Group load_group(uint64_t block, uint row, uint group, uint64_t tables) {
@calls@  return group_of(uvec4(0), uvec4(0), 0);
}
#include "@op@.glsl"
]] @ONLY)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  any_format(${OP} ${FILE})
endif()
