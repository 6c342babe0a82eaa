# procscoped-simulated-mac: the recorder as it is on a Mac, its own main included, with a fake kernel behind it
# (tests/darwin). Built on Linux only, for tests.
#
#   recorder_mac   recorder/ with the files *_macos.c in place of *_linux.c
#   fake_mac       tests/darwin/*.c, which answers libproc, sysctl and Mach from a scenario
#   tests/darwin/test_*.c   one cmocka binary each, against both; fuzz_*.c fuzz targets, as in tests/fuzz

# Part of the recorder as on a Mac.
function(add_mac_library name kind)
    folder_root(recorder_root recorder)
    add_library(${name} ${kind} EXCLUDE_FROM_ALL ${ARGN})
    target_include_directories(${name} SYSTEM BEFORE PUBLIC
                               "${PROJECT_SOURCE_DIR}/tests/darwin/include")
    target_include_directories(${name} PUBLIC "${recorder_root}" "${version_root}")
    target_link_libraries(${name} PUBLIC schema Threads::Threads ${CMAKE_DL_LIBS} m)
    if(TARGET procscope::curl)
        target_include_directories(${name} PRIVATE
                                   $<TARGET_PROPERTY:procscope::curl,INTERFACE_INCLUDE_DIRECTORIES>)
    endif()
endfunction()

function(add_simulated_mac)
    find_sources_of("Darwin" sources recorder/*.c recorder/collectors/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    set(shared ${sources})
    list(APPEND sources schema/live_service_macos.c) # the schema beside it is Linux'
    list(FILTER sources INCLUDE REGEX "_macos\\.c$")
    list(FILTER shared EXCLUDE REGEX "_macos\\.c$")
    folder_root(tests_root tests)
    add_mac_library(recorder_mac_shared OBJECT ${shared})
    add_mac_library(recorder_mac STATIC ${sources} $<TARGET_OBJECTS:recorder_mac_shared>)
    # clang-tidy looks at each file once
    set_target_properties(recorder_mac_shared PROPERTIES EXPORT_COMPILE_COMMANDS OFF)

    find_sources(fakes tests/darwin/*.c)
    list(FILTER fakes EXCLUDE REGEX "/(simulated_[^/]*|(test|fuzz)_[^/]*)\\.c$")
    add_library(fake_mac STATIC EXCLUDE_FROM_ALL ${fakes})
    target_include_directories(fake_mac PUBLIC "${tests_root}")
    # Each needs the other: the recorder calls the kernel, whose headers are the recorder's.
    target_link_libraries(fake_mac PUBLIC recorder_mac procscope::cjson procscope::cmocka m)
    target_link_libraries(recorder_mac PUBLIC fake_mac)

    add_library(recorder_mac_main OBJECT recorder/main.c)
    target_link_libraries(recorder_mac_main PRIVATE recorder_mac)
    target_compile_definitions(recorder_mac_main PRIVATE main=recorder_main)
    target_compile_options(recorder_mac_main PRIVATE -Wno-missing-prototypes)
    set_target_properties(recorder_mac_main PROPERTIES EXPORT_COMPILE_COMMANDS OFF)

    add_executable(procscoped-simulated-mac tests/darwin/simulated_main.c)
    target_link_libraries(procscoped-simulated-mac PRIVATE recorder_mac_main fake_mac recorder_mac)
    set_target_properties(procscoped-simulated-mac PROPERTIES ENABLE_EXPORTS ON) # dlsym finds the fake's

    folder_root(tools_root tools)
    add_executable(pslist-simulated-mac tests/darwin/simulated_pslist.c tools/pslist_macos.c
                                        tools/pslist_flavors_macos.c)
    set_source_files_properties(tools/pslist_macos.c PROPERTIES COMPILE_DEFINITIONS main=pslist_main)
    target_include_directories(pslist-simulated-mac PRIVATE "${tools_root}")
    target_compile_options(pslist-simulated-mac PRIVATE -Wno-missing-prototypes)
    target_link_libraries(pslist-simulated-mac PRIVATE fake_mac recorder_mac analyzer)

    find_sources_of("Darwin" tests tests/darwin/test_*.c)
    foreach(source IN LISTS tests)
        get_filename_component(name "${source}" NAME_WE)
        add_executable(${name} "${source}")
        target_link_libraries(${name} PRIVATE fake_mac recorder_mac procscope::cmocka)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                              "${PROJECT_BINARY_DIR}/tests" ENABLE_EXPORTS ON)
        add_run_test(${name} ${name})
    endforeach()
    target_sources(test_live_service_macos PRIVATE tests/support_writer.c tests/support_recording.c)
    target_sources(test_control_macos PRIVATE tests/support_recording.c)
    target_sources(test_container_macos PRIVATE tests/support_engine.c tests/support_root.c tests/support_clock.c)

    find_sources_of("Darwin" fuzzers tests/darwin/fuzz_*.c)
    foreach(source IN LISTS fuzzers)
        get_filename_component(name "${source}" NAME_WE)
        string(REGEX REPLACE "^fuzz_" "" corpus "${name}")
        add_executable(${name} "${source}")
        target_link_libraries(${name} PRIVATE fake_mac recorder_mac)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                              "${PROJECT_BINARY_DIR}/fuzz")
        set(arguments "")
        if(PROCSCOPE_FUZZ)
            target_link_options(${name} PRIVATE -fsanitize=fuzzer)
            set(arguments -runs=0)
        else()
            target_sources(${name} PRIVATE tests/fuzz/replay_main.c)
        endif()
        add_run_test(${name} ${name} ${arguments} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus}")
    endforeach()
endfunction()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_simulated_mac()
endif()
