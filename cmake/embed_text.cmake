# Run at build time: writes NAME.c and NAME.h into DIRECTORY, with the bytes of INPUT and a final NUL, which
# NAME_size does not count.
# An array of characters and not a string literal: ISO C promises literals of only 4095 bytes.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")

file(WRITE "${DIRECTORY}/${NAME}.h"
"/* Written by cmake/embed_text.cmake: the text of ${SOURCE}. */
#ifndef EMBEDDED_${NAME}_H
#define EMBEDDED_${NAME}_H
#include <stddef.h>
extern const char ${NAME}[];
extern const size_t ${NAME}_size;
#endif
")
file(WRITE "${DIRECTORY}/${NAME}.c"
"/* Written by cmake/embed_text.cmake from ${SOURCE}. */
#include \"${NAME}.h\"

_Alignas(8) const char ${NAME}[] = {
${bytes}'\\0'
};
const size_t ${NAME}_size = sizeof ${NAME} - 1;
")
