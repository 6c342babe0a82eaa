# version.h, visible to every folder: PROCSCOPE_VERSION from the git tag vX.Y.Z, else from project().
# PROCSCOPE_DATE and PROCSCOPE_DEBIAN_DATE are the commit's, for manual pages and changelog;
# PROCSCOPE_DEBIAN_VERSION is the version as dpkg orders them:
#
#     tag v0.2.0                 0.2.0                  0.2.0
#     5 commits after it         0.2.0-5-gabc1234       0.2.0+5.gabc1234
#     tag v0.2.0-rc1             0.2.0-rc1              0.2.0~rc1
#     no tag yet, 90 commits     0.1.0+gabc1234         0.1.0~90.gabc1234   (0 commits where not known)
#
# An archive made by git (git archive, a forge's download) holds the same facts in archived_version.txt.
set(PROCSCOPE_VERSION "${PROJECT_VERSION}")
set(described "")
set(commit "")
set(commit_count 0)
set(commit_epoch "")

function(ask_git variable)
    execute_process(COMMAND "${GIT}" -c "safe.directory=${PROJECT_SOURCE_DIR}" ${ARGN}
                    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE answer
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

# Asked only in our own checkout: an unpacked archive inside another repository is not that version.
if(EXISTS "${PROJECT_SOURCE_DIR}/.git")
    find_program(GIT git)
    mark_as_advanced(GIT)
    if(GIT)
        ask_git(described describe --tags --match "v[0-9]*")
        ask_git(commit rev-parse --verify --short HEAD)
        ask_git(commit_count rev-list --count HEAD)
        ask_git(commit_epoch log -1 --format=%ct)
    endif()
    if(EXISTS "${PROJECT_SOURCE_DIR}/.git/logs/HEAD") # a commit makes the version stale
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                     "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
    endif()
else()
    file(STRINGS "${PROJECT_SOURCE_DIR}/cmake/archived_version.txt" archived)
    foreach(line IN LISTS archived)
        if(line MATCHES "^(described|commit|commit_epoch) ([^$]+)$")
            set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
        endif()
    endforeach()
endif()

if(described MATCHES "^v([0-9].*)$")
    set(PROCSCOPE_VERSION "${CMAKE_MATCH_1}")
elseif(commit)
    string(APPEND PROCSCOPE_VERSION "+g${commit}")
endif()

# 0.2.0-rc1-5-gabc1234 -> 0.2.0~rc1+5.gabc1234
string(REGEX REPLACE "-([0-9]+)-g([0-9a-f]+)$" "+\\1.g\\2" debian "${PROCSCOPE_VERSION}")
string(REPLACE "-" "~" debian "${debian}")
if(NOT described MATCHES "^v[0-9]" AND commit)
    set(debian "${PROJECT_VERSION}~${commit_count}.g${commit}") # comes before the release
endif()
set(PROCSCOPE_DEBIAN_VERSION "${debian}")

# As reproducible-builds.org asks: the same source gives the same dates. string(TIMESTAMP) reads the variable.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    if(NOT commit_epoch)
        file(TIMESTAMP "${PROJECT_SOURCE_DIR}/CMakeLists.txt" commit_epoch "%s" UTC)
    endif()
    set(ENV{SOURCE_DATE_EPOCH} "${commit_epoch}")
endif()
string(TIMESTAMP PROCSCOPE_DATE "%B %d, %Y" UTC)
string(REPLACE " 0" " " PROCSCOPE_DATE "${PROCSCOPE_DATE}")
string(TIMESTAMP PROCSCOPE_DEBIAN_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(PROCSCOPE_EPOCH "$ENV{SOURCE_DATE_EPOCH}")

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/inc/version/version.h" @ONLY CONTENT
"/* Written by cmake/version.cmake. */
#ifndef VERSION_H
#define VERSION_H
#define PROCSCOPE_VERSION \"@PROCSCOPE_VERSION@\"
#endif
")
message(STATUS "procscope ${PROCSCOPE_VERSION}")
