# Manual pages and completions, made at build time from what the programs built here say of themselves,
# so that neither can tell of an option that there is not, or leave one out.
#
# They need the programs to run: not when compiling for another system, unless an emulator is set.

set(manual_source "${PROJECT_SOURCE_DIR}/tools/manual")
set(completion_source "${PROJECT_SOURCE_DIR}/tools/completion")
set(manual_root "${PROJECT_BINARY_DIR}/manual")
set(completion_root "${PROJECT_BINARY_DIR}/completion")

find_program(AWK awk)
mark_as_advanced(AWK)
set(run_awk "${CMAKE_COMMAND}" -E env LC_ALL=C "${AWK}") # texts are bytes to it

# manual_page(name command...): manual/NAME, which ends in its section, written by awk.
function(manual_page name)
    cmake_parse_arguments(ARG "" "" "AWK;DEPENDS" ${ARGN})
    add_custom_command(
        OUTPUT "${manual_root}/${name}"
        COMMAND ${run_awk} -v "date=${PROCSCOPE_DATE}" -v "version=${PROCSCOPE_VERSION}"
                -f "${manual_source}/mdoc.awk" ${ARG_AWK} > "${manual_root}/${name}"
        DEPENDS "${manual_source}/mdoc.awk" ${ARG_DEPENDS}
        COMMENT "Writing manual/${name}" VERBATIM)
    set_property(GLOBAL APPEND PROPERTY manual_outputs "${manual_root}/${name}")
    string(REGEX REPLACE "^.*\\." "" section "${name}")
    install(FILES "${manual_root}/${name}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}")
endfunction()

# completion(shell program file directory): completion/FILE, written from the rows by SHELL.awk.
function(completion shell program file directory)
    add_custom_command(
        OUTPUT "${completion_root}/${file}"
        COMMAND ${run_awk} -v "program=${program}" -v "body=${completion_source}/body.bash"
                -f "${completion_source}/rows.awk" -f "${completion_source}/${shell}.awk"
                "${manual_root}/rows" > "${completion_root}/${file}"
        DEPENDS "${completion_source}/rows.awk" "${completion_source}/${shell}.awk"
                "${completion_source}/body.bash" "${manual_root}/rows"
        COMMENT "Writing completion/${file}" VERBATIM)
    set_property(GLOBAL APPEND PROPERTY manual_outputs "${completion_root}/${file}")
    string(REGEX REPLACE "\\.bash$" "" installed "${file}") # bash-completion finds it by the command's name
    install(FILES "${completion_root}/${file}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${directory}"
            RENAME "${installed}")
endfunction()

function(add_manual)
    file(MAKE_DIRECTORY "${manual_root}" "${completion_root}")
    add_custom_command(
        OUTPUT "${manual_root}/rows"
        COMMAND "${manual_source}/collect_help.sh" $<TARGET_FILE:procscoped> $<TARGET_FILE:procscope>
                > "${manual_root}/rows"
        DEPENDS procscoped procscope "${manual_source}/collect_help.sh"
                "${manual_source}/read_help.awk"
        COMMENT "Asking procscoped and procscope for their options" VERBATIM)
    foreach(page procscope.1 procscoped.8 procscoped.json.5)
        manual_page(${page}
            AWK -f "${manual_source}/manual.awk" "${manual_root}/rows" "${manual_source}/${page}.in"
            DEPENDS "${manual_source}/manual.awk" "${manual_root}/rows" "${manual_source}/${page}.in")
    endforeach()
    set(format "${PROJECT_SOURCE_DIR}/schema/FORMAT.md")
    manual_page(pscope.5
        AWK -v page=pscope -v source=schema/FORMAT.md -v "what=recording of what processes did"
            -f "${manual_source}/markdown.awk" "${format}"
        DEPENDS "${manual_source}/markdown.awk" "${format}")
    foreach(program procscope procscoped)
        completion(bash ${program} ${program}.bash bash-completion/completions)
        completion(zsh ${program} _${program} zsh/site-functions)
        completion(fish ${program} ${program}.fish fish/vendor_completions.d)
    endforeach()
    get_property(outputs GLOBAL PROPERTY manual_outputs)
    add_custom_target(manual ALL DEPENDS ${outputs})
endfunction()

# The thread sanitizer's programs do not run everywhere as they are.
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "no manual pages and completions: the programs for another system do not run here")
elseif(NOT AWK)
    message(STATUS "no manual pages and completions: there is no awk")
elseif(TARGET procscoped AND TARGET procscope AND NOT PROCSCOPE_SANITIZE STREQUAL "thread")
    add_manual()
endif()
