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

# The container engines' socket. Its header only: the library is loaded when there is such a socket.
set(curl_missing "")
if(NOT PROCSCOPE_CURL)
    set(curl_missing "built with PROCSCOPE_CURL=OFF")
else()
    look_for_library(curl libcurl curl/curl.h curl)
    if(NOT TARGET procscope::curl)
        set(curl_missing "built without libcurl (Debian libcurl4-openssl-dev, Fedora libcurl-devel)")
    endif()
endif()
if(curl_missing)
    message(STATUS "no containers by name: ${curl_missing}")
endif()
