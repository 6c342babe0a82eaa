# version.h, visible to every folder: PROCSCOPE_VERSION from the git tag vX.Y.Z, else from project().
set(PROCSCOPE_VERSION "${PROJECT_VERSION}")

# Asked only in our own checkout: an unpacked archive inside another repository is not that version.
if(EXISTS "${PROJECT_SOURCE_DIR}/.git")
    find_program(GIT git)
    mark_as_advanced(GIT)
    if(GIT)
        execute_process(COMMAND "${GIT}" describe --tags --match "v[0-9]*"
                        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE described
                        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        execute_process(COMMAND "${GIT}" rev-parse --verify --short HEAD
                        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE commit
                        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(described MATCHES "^v([0-9].*)$")
            set(PROCSCOPE_VERSION "${CMAKE_MATCH_1}")
        elseif(commit)
            string(APPEND PROCSCOPE_VERSION "+g${commit}")
        endif()
    endif()
    if(EXISTS "${PROJECT_SOURCE_DIR}/.git/logs/HEAD") # a commit makes the version stale
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                     "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
    endif()
endif()

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/inc/version/version.h" @ONLY CONTENT
"/* Written by cmake/version.cmake. */
#ifndef VERSION_H
#define VERSION_H
#define PROCSCOPE_VERSION \"@PROCSCOPE_VERSION@\"
#endif
")
message(STATUS "procscope ${PROCSCOPE_VERSION}")
