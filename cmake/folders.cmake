# Folders become libraries and programs; each sees only the folders it may include.
#
# Includes are written from the root of the tree (#include "schema/error.h"), but the root itself is on
# no include path. Each folder has a root of its own in the build tree, holding one link,
#
#   build/inc/schema/schema -> schema        build/inc/recorder/recorder -> recorder        ...
#
# and a target gets the roots of its own folder and, through the libraries it links, of what it may use.

set(version_root "${PROJECT_BINARY_DIR}/inc/version")

# folder_root(VARIABLE folder): the include root in which only this folder is visible.
function(folder_root variable folder)
    set(root "${PROJECT_BINARY_DIR}/inc/${folder}")
    file(MAKE_DIRECTORY "${root}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}" "${root}/${folder}" SYMBOLIC)
    set(${variable} "${root}" PARENT_SCOPE)
endfunction()

# find_sources_of(SYSTEM VARIABLE pattern...): files of that system ("Linux", "Darwin"), relative to the root of the tree.
function(find_sources_of system variable)
    list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE patterns)
    file(GLOB found RELATIVE "${PROJECT_SOURCE_DIR}" CONFIGURE_DEPENDS ${patterns})
    if(NOT system STREQUAL "Linux")
        list(FILTER found EXCLUDE REGEX "_linux\\.[a-z]+$")
    endif()
    if(NOT system STREQUAL "Darwin")
        list(FILTER found EXCLUDE REGEX "_macos\\.[a-z]+$")
    endif()
    set(${variable} "${found}" PARENT_SCOPE)
endfunction()

# find_sources(VARIABLE pattern...): files of this system.
function(find_sources variable)
    find_sources_of("${CMAKE_SYSTEM_NAME}" found ${ARGN})
    set(${variable} "${found}" PARENT_SCOPE)
endfunction()

# add_folder_library(name FOLDERS folder...): all *.c but main.c. Sets NAME_scope to PUBLIC, or to INTERFACE
# while the folder is still empty, for target_link_libraries.
function(add_folder_library name)
    cmake_parse_arguments(ARG "" "" "FOLDERS" ${ARGN})
    list(TRANSFORM ARG_FOLDERS APPEND "/*.c" OUTPUT_VARIABLE patterns)
    find_sources(sources ${patterns})
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    folder_root(root ${name})
    if(sources)
        set(scope PUBLIC)
        add_library(${name} STATIC ${sources})
        set_target_properties(${name} PROPERTIES OUTPUT_NAME procscope_${name})
    else()
        set(scope INTERFACE)
        message(STATUS "${name}: no sources yet")
        add_library(${name} INTERFACE)
    endif()
    target_include_directories(${name} ${scope} "${root}" "${version_root}")
    set(${name}_scope ${scope} PARENT_SCOPE)
endfunction()

# add_program(name SOURCE file LIBRARIES library... [FOLDERS more-folders...]): skipped while the file is not there.
function(add_program name)
    cmake_parse_arguments(ARG "" "SOURCE" "LIBRARIES;FOLDERS" ${ARGN})
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/${ARG_SOURCE}")
        message(STATUS "${name}: no ${ARG_SOURCE} yet")
        return()
    endif()
    add_executable(${name} "${ARG_SOURCE}")
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
    foreach(folder IN LISTS ARG_FOLDERS)
        folder_root(root ${folder})
        target_include_directories(${name} PRIVATE "${root}")
    endforeach()
endfunction()

# embed_text(library file name): compiles the file into the library as `extern const char NAME[]` and NAME_size,
# declared in "NAME.h", which only this library sees.
function(embed_text library file name)
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/${file}")
        message(STATUS "${library}: no ${file} yet")
        return()
    endif()
    get_target_property(kind ${library} TYPE)
    if(kind STREQUAL "INTERFACE_LIBRARY")
        return()
    endif()
    embed_file(${library} "${PROJECT_SOURCE_DIR}/${file}" "${file}" ${name})
endfunction()

# embed_file(library path source name): the same of any file, also one that the build makes of `source`.
function(embed_file library path source name)
    set(directory "${PROJECT_BINARY_DIR}/embedded/${library}")
    set(script "${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake")
    add_custom_command(
        OUTPUT "${directory}/${name}.c" "${directory}/${name}.h"
        COMMAND "${CMAKE_COMMAND}" "-DINPUT=${path}" "-DSOURCE=${source}"
                "-DDIRECTORY=${directory}" "-DNAME=${name}" -P "${script}"
        DEPENDS "${path}" "${script}"
        COMMENT "Embedding ${source}" VERBATIM)
    target_sources(${library} PRIVATE "${directory}/${name}.c" "${directory}/${name}.h")
    target_include_directories(${library} PRIVATE "${directory}")
endfunction()
