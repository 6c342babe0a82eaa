# How every file of this project is compiled and linked.
include(CheckPIESupported)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

# Position-independent with hidden symbols: as fast as a plain executable, and the same libraries can
# become a loadable extension.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
check_pie_supported(LANGUAGES C)

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_compile_definitions(_GNU_SOURCE)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
                    -Wmissing-prototypes -Wvla -Wformat=2)
if(PROCSCOPE_WERROR)
    add_compile_options(-Werror)
endif()

if(PROCSCOPE_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "PROCSCOPE_FUZZ needs clang; configure with CC=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
    if(NOT PROCSCOPE_SANITIZE)
        set(PROCSCOPE_SANITIZE "address,undefined")
    endif()
endif()

if(PROCSCOPE_SANITIZE)
    add_compile_options(-O1 -fno-omit-frame-pointer -fsanitize=${PROCSCOPE_SANITIZE}
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${PROCSCOPE_SANITIZE})
elseif(PROCSCOPE_COVERAGE)
    add_compile_options(--coverage -O0)
    add_link_options(--coverage)
else()
    # Nothing of the building machine's paths in the programs.
    add_compile_options("-ffile-prefix-map=${PROJECT_BINARY_DIR}=build"
                        "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")
    add_compile_options(-fstack-protector-strong)
    if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug") # the checks need optimisation
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
    if(NOT APPLE)
        add_link_options(LINKER:-z,relro LINKER:-z,now)
    endif()
endif()
