# The page of `procscope html`: analyzer/page/ and uPlot, put together by node and embedded in the analyzer.
#
# uPlot comes from the npm registry, into the build folder, once, in the version of package-lock.json; its checksum is
# there. This is done when configuring, so that a build without npm or without a network leaves the page out, and says so.

set(page_source "${PROJECT_SOURCE_DIR}/analyzer/page")
set(page_root "${PROJECT_BINARY_DIR}/page")

# fetch_packages(VARIABLE source root): npm's packages of source/package-lock.json below root; VARIABLE is "" or why not.
function(fetch_packages variable source root)
    file(SHA256 "${source}/package-lock.json" wanted)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}/package-lock.json")
    set(there "")
    if(EXISTS "${root}/fetched")
        file(READ "${root}/fetched" there)
    endif()
    set(${variable} "" PARENT_SCOPE)
    if(there STREQUAL wanted)
        return()
    endif()
    file(MAKE_DIRECTORY "${root}")
    file(COPY "${source}/package.json" "${source}/package-lock.json" DESTINATION "${root}")
    execute_process(
        COMMAND "${NPM}" ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0
                --fetch-timeout=20000 --loglevel=error
        WORKING_DIRECTORY "${root}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE said TIMEOUT 90)
    if(failed)
        string(REGEX MATCH "[A-Z][A-Z_]+[A-Z]" code "${said}")
        set(${variable} "npm could not fetch packages (${code})" PARENT_SCOPE)
        return()
    endif()
    file(WRITE "${root}/fetched" "${wanted}")
endfunction()

find_program(NPM npm)
find_program(NODE NAMES node nodejs)
mark_as_advanced(NPM NODE)

set(page_missing "")
if(PROCSCOPE_HTML STREQUAL "OFF")
    set(page_missing "built with PROCSCOPE_HTML=OFF")
elseif(NOT NPM OR NOT NODE)
    set(page_missing "built without npm and node (Debian npm, Fedora nodejs-npm, brew node)")
else()
    fetch_packages(why "${page_source}" "${page_root}")
    if(why)
        set(page_missing "built without uPlot, as ${why}")
    endif()
endif()

if(page_missing)
    message(STATUS "no page of procscope html: ${page_missing}")
    if(PROCSCOPE_HTML STREQUAL "ON")
        message(FATAL_ERROR "PROCSCOPE_HTML=ON: ${page_missing}")
    endif()
    set_source_files_properties(analyzer/command_html.c PROPERTIES
                                COMPILE_DEFINITIONS "PROCSCOPE_HTML_MISSING=\"${page_missing}\"")
else()
    file(GLOB page_parts CONFIGURE_DEPENDS "${page_source}/*.html" "${page_source}/*.css" "${page_source}/*.*js")
    add_custom_command(
        OUTPUT "${page_root}/page.html"
        COMMAND "${NODE}" "${page_source}/bundle.mjs" "${page_source}" "${page_root}/node_modules"
                "${page_root}/page.html"
        DEPENDS ${page_parts} "${page_root}/fetched"
        COMMENT "Putting the page together" VERBATIM)
    embed_file(analyzer "${page_root}/page.html" analyzer/page page_html)
endif()
