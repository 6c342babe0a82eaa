# Tests, found by name:
#
#   tests/test_*.c            one cmocka binary each, with tests/support_*.c and fault/ linked in
#   tests/test_*.sh, *.py     run by bash and python3; exit code 77 means skipped
#   tests/load_*.c            programs that those run, in tests/ of the build tree
#   tests/serve_*.c           the same, with the analyzer inside: procscope_main() is its main()
#   tests/double_nvml.c       stands in for NVIDIA's library: tests/nvml/libnvidia-ml.so.1 of the build tree
#   tests/darwin/             the recorder of a Mac on Linux: cmake/simulated_mac.cmake
#   tests/fuzz/fuzz_NAME.c    runs on tests/fuzz/corpus/NAME/; with PROCSCOPE_FUZZ it is a libFuzzer program
#
# All run in the root of the source tree with PROCSCOPE_BUILD_DIR and PROCSCOPE_SOURCE_DIR set.

set(test_environment "PROCSCOPE_BUILD_DIR=${PROJECT_BINARY_DIR}"
                     "PROCSCOPE_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
                     "UBSAN_OPTIONS=print_stacktrace=1")

function(add_run_test name)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
                         ENVIRONMENT "${test_environment}")
    if(name MATCHES "remainder|real_truth|live")
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON) # it judges this machine's CPU time
    endif()
endfunction()

# A test may look into every folder.
function(add_test_program name source directory)
    folder_root(tests_root tests)
    folder_root(tools_root tools)
    add_executable(${name} "${source}")
    target_include_directories(${name} PRIVATE "${tests_root}" "${tools_root}")
    target_link_libraries(${name} PRIVATE recorder analyzer schema)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${directory}")
endfunction()

function(add_unit_tests)
    find_sources(sources tests/test_*.c)
    find_sources(support tests/support_*.c tests/fault/*.c)
    if(support)
        folder_root(tests_root tests)
        add_library(test_support STATIC ${support})
        target_include_directories(test_support PUBLIC "${tests_root}")
        target_link_libraries(test_support PUBLIC recorder analyzer schema procscope::cmocka)
    endif()
    foreach(source IN LISTS sources)
        get_filename_component(name "${source}" NAME_WE)
        add_test_program(${name} "${source}" "${PROJECT_BINARY_DIR}/tests")
        if(support)
            target_link_libraries(${name} PRIVATE test_support)
        endif()
        target_link_libraries(${name} PRIVATE procscope::cmocka)
        add_run_test(${name} ${name})
    endforeach()
endfunction()

function(add_loads)
    find_sources(loads tests/load_*.c)
    find_package(Threads REQUIRED)
    foreach(source IN LISTS loads)
        get_filename_component(name "${source}" NAME_WE)
        add_executable(${name} "${source}")
        target_link_libraries(${name} PRIVATE Threads::Threads)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                              "${PROJECT_BINARY_DIR}/tests")
    endforeach()
    if(TARGET load_lives_linux AND NOT PROCSCOPE_SANITIZE) # as many a second as can be
        target_link_options(load_lives_linux PRIVATE -static
                            $<$<C_COMPILER_ID:Clang>:-Wno-unused-command-line-argument>)
    endif()
endfunction()

function(add_servers)
    find_sources(servers tests/serve_*.c)
    if(NOT servers)
        return()
    endif()
    add_library(analyzer_main OBJECT analyzer/main.c)
    target_link_libraries(analyzer_main PRIVATE analyzer)
    target_compile_definitions(analyzer_main PRIVATE main=procscope_main)
    target_compile_options(analyzer_main PRIVATE -Wno-missing-prototypes)
    foreach(source IN LISTS servers)
        get_filename_component(name "${source}" NAME_WE)
        add_test_program(${name} "${source}" "${PROJECT_BINARY_DIR}/tests")
        target_link_libraries(${name} PRIVATE analyzer_main)
    endforeach()
endfunction()

function(add_doubles)
    if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
        return()
    endif()
    folder_root(recorder_root recorder)
    folder_root(schema_root schema)
    add_library(double_nvml SHARED tests/double_nvml.c)
    target_include_directories(double_nvml PRIVATE "${recorder_root}" "${schema_root}")
    set_target_properties(double_nvml PROPERTIES OUTPUT_NAME nvidia-ml SUFFIX ".so.1"
                          LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/nvml")
endfunction()

function(add_script_tests)
    find_program(BASH bash)
    find_program(PYTHON3 python3)
    mark_as_advanced(BASH PYTHON3)
    find_sources(shell_scripts tests/test_*.sh)
    find_sources(python_scripts tests/test_*.py)
    foreach(script IN LISTS shell_scripts)
        get_filename_component(name "${script}" NAME)
        add_run_test(${name} "${BASH}" "${PROJECT_SOURCE_DIR}/${script}")
    endforeach()
    foreach(script IN LISTS python_scripts)
        get_filename_component(name "${script}" NAME)
        add_run_test(${name} "${PYTHON3}" "${PROJECT_SOURCE_DIR}/${script}")
    endforeach()
endfunction()

function(add_fuzz_tests)
    find_sources(sources tests/fuzz/fuzz_*.c)
    set(replay tests/fuzz/replay_main.c)
    if(sources AND NOT PROCSCOPE_FUZZ AND NOT EXISTS "${PROJECT_SOURCE_DIR}/${replay}")
        message(STATUS "fuzz: no ${replay} yet")
        return()
    endif()
    foreach(source IN LISTS sources)
        get_filename_component(program "${source}" NAME_WE)
        string(REGEX REPLACE "^fuzz_" "" name "${program}")
        add_test_program(${program} "${source}" "${PROJECT_BINARY_DIR}/fuzz")
        target_compile_options(${program} PRIVATE -Wno-missing-prototypes) # LLVMFuzzerTestOneInput
        set(arguments "")
        if(PROCSCOPE_FUZZ)
            target_link_options(${program} PRIVATE -fsanitize=fuzzer)
            set(arguments -runs=0)
        else()
            target_sources(${program} PRIVATE "${replay}")
        endif()
        set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
        if(IS_DIRECTORY "${corpus}")
            add_run_test(${program} ${program} ${arguments} "${corpus}")
        endif()
    endforeach()
endfunction()

if(PROCSCOPE_TESTS)
    add_unit_tests()
    add_loads()
    add_servers()
    add_doubles()
    add_script_tests()
    include(cmake/simulated_mac.cmake)
endif()
add_fuzz_tests()
