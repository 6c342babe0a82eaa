# cpack: a .deb of both programs for Debian and Ubuntu (cpack -G DEB), and a plain archive (cpack -G TGZ).
# tools/packaging/ holds what is in the package besides what is installed everywhere.

# Nobody reads mail for the project itself; who gives packages to others names an address.
set(PROCSCOPE_MAINTAINER "procscope authors <procscope@example.org>" CACHE STRING
    "name and address in packages")

set(packaging "${PROJECT_SOURCE_DIR}/tools/packaging")

set(CPACK_PACKAGE_NAME procscope)
set(CPACK_PACKAGE_VERSION "${PROCSCOPE_VERSION}")
set(CPACK_PACKAGE_VENDOR "the procscope authors")
set(CPACK_PACKAGE_CONTACT "${PROCSCOPE_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "flight recorder for processes")
set(CPACK_PACKAGE_DESCRIPTION
"procscoped records what every process, every core and the memory of a host
did, once a second, into one compressed SQLite file of bounded size.
procscope answers from it who used what in any window of time, on that host
or another, also of processes that lived for milliseconds only.
.
Installing this package starts the recording.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_GENERATOR TGZ)

# --- what only the .deb has ---

set(CPACK_DEBIAN_PACKAGE_VERSION "${PROCSCOPE_DEBIAN_VERSION}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser) # makes the user where systemd-sysusers is not there
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libcurl4 | libcurl4t64") # for the names of containers; loaded at run time
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${packaging}/postinst" "${packaging}/prerm" "${packaging}/postrm")
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/package_files.cmake")
set(CPACK_PROCSCOPE_PACKAGING "${packaging}")
set(CPACK_PROCSCOPE_DATE "${PROCSCOPE_DEBIAN_DATE}")

include(CPack)
