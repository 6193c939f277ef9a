# Writes OUTPUT, a C++ file with the table of server/web_files.h: every file of FOLDER as bytes. Plain CMake, so that
# a machine needs no tool for it.   cmake -DFOLDER=web/dist -DOUTPUT=web_files.cpp -P tools/embed_files.cmake
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)

set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS files)
  file(READ ${FOLDER}/${file} bytes HEX)
  string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "const unsigned char kFile${number}[] = {\n${bytes}0};\n")  # the 0 lets a file be empty
  string(APPEND rows "    {\"${file}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number} - 1}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Written by tools/embed_files.cmake.
#include \"server/web_files.h\"

namespace troika::server {
namespace {

${arrays}
const WebFile kFiles[] = {
${rows}};

}  // namespace

std::span<const WebFile> web_files() { return kFiles; }

}  // namespace troika::server
")
