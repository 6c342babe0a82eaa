# The libraries procscope needs, each as the target procscope::NAME. pkg-config is asked first; without it
# the header and the library are looked for. All that is missing is named in one message.
find_package(PkgConfig QUIET)
set(CMAKE_THREAD_PREFER_PTHREAD ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set(missing_libraries "")

# look_for_library(NAME pkg-config-module header library): makes the target if it is there.
macro(look_for_library name module header library)
    if(PkgConfig_FOUND)
        pkg_check_modules(PC_${name} QUIET IMPORTED_TARGET ${module})
    endif()
    if(PC_${name}_FOUND)
        add_library(procscope::${name} ALIAS PkgConfig::PC_${name})
    else()
        find_path(${name}_INCLUDE_DIR ${header})
        find_library(${name}_LIBRARY ${library})
        mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
        if(${name}_INCLUDE_DIR AND ${name}_LIBRARY)
            add_library(procscope::${name} INTERFACE IMPORTED)
            target_include_directories(procscope::${name} SYSTEM INTERFACE "${${name}_INCLUDE_DIR}")
            target_link_libraries(procscope::${name} INTERFACE "${${name}_LIBRARY}")
        endif()
    endif()
endmacro()

# need_library(NAME pkg-config-module header library  Debian-package Fedora-package brew-formula)
macro(need_library name module header library debian fedora brew)
    look_for_library(${name} ${module} ${header} ${library})
    if(NOT TARGET procscope::${name})
        string(APPEND missing_libraries
               "\n    ${name}: Debian/Ubuntu ${debian}, Fedora ${fedora}, brew ${brew}")
    endif()
endmacro()

need_library(sqlite3 sqlite3 sqlite3.h sqlite3 libsqlite3-dev sqlite-devel sqlite)
need_library(zstd libzstd zstd.h zstd libzstd-dev libzstd-devel zstd)
need_library(cjson libcjson cjson/cJSON.h cjson libcjson-dev cjson-devel cjson)
if(PROCSCOPE_TESTS)
    need_library(cmocka cmocka cmocka.h cmocka libcmocka-dev libcmocka-devel cmocka)
endif()

if(missing_libraries)
    message(FATAL_ERROR "These libraries are missing:${missing_libraries}\n"
            "tools/setup.sh installs them; cmocka is needed only with PROCSCOPE_TESTS=ON.")
endif()

# --- where present ---

# The recorder's sandbox. A sanitizer makes system calls of its own, which are not on its list.
set(sandbox_missing "")
if(PROCSCOPE_SANITIZE)
    set(sandbox_missing "built with a sanitizer, which makes system calls of its own")
elseif(NOT PROCSCOPE_SECCOMP)
    set(sandbox_missing "built with PROCSCOPE_SECCOMP=OFF")
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    look_for_library(seccomp libseccomp seccomp.h seccomp)
    if(NOT TARGET procscope::seccomp)
        set(sandbox_missing "built without libseccomp (Debian libseccomp-dev, Fedora libseccomp-devel)")
    endif()
endif()
if(sandbox_missing)
    message(STATUS "no sandbox: ${sandbox_missing}")
endif()

# The BPF programs that read all processes at once: libbpf, and a clang that compiles for BPF.
set(bpf_missing "")
if(NOT PROCSCOPE_BPF)
    set(bpf_missing "built with PROCSCOPE_BPF=OFF")
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    look_for_library(bpf libbpf bpf/libbpf.h bpf)
    find_program(BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang-13)
    find_program(BPF_STRIP NAMES llvm-strip llvm-strip-19 llvm-strip-18 llvm-strip-17 llvm-strip-16
                 llvm-strip-15 llvm-strip-14 llvm-strip-13)
    mark_as_advanced(BPF_CLANG BPF_STRIP)
    if(NOT TARGET procscope::bpf)
        set(bpf_missing "built without libbpf (Debian libbpf-dev, Fedora libbpf-devel)")
    elseif(NOT BPF_CLANG)
        set(bpf_missing "built without clang")
    endif()
endif()
if(bpf_missing)
    message(STATUS "no BPF: ${bpf_missing}")
endif()
