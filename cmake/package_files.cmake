# cpack runs this over the staged files, before it packs them: of a .deb, what Debian's policy asks of
# /usr/share/doc and manual pages.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
    return()
endif()

set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share")
set(documents "${root}/doc/procscope")

# copyright carries the license, indented as its format asks: a blank line is a dot.
file(READ "${CPACK_RESOURCE_FILE_LICENSE}" license)
string(REGEX REPLACE "^.*Copyright[^\n]*\n\n" "" license "${license}")
string(STRIP "${license}" license)
string(REGEX REPLACE "\n" "\n " license "${license}")
string(REPLACE "\n \n" "\n .\n" license "${license}")
file(READ "${CPACK_PROCSCOPE_PACKAGING}/copyright" copyright)
file(WRITE "${documents}/copyright" "${copyright} ${license}\n")
file(REMOVE "${documents}/LICENSE")

set(version "${CPACK_DEBIAN_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
file(WRITE "${documents}/changelog.Debian"
"procscope (${version}) unstable; urgency=medium

  * Built from version ${CPACK_PACKAGE_VERSION}; what changed is in its git log.

 -- ${CPACK_PACKAGE_CONTACT}  ${CPACK_PROCSCOPE_DATE}
")

file(RENAME "${root}/zsh/site-functions" "${root}/zsh/vendor-completions") # where Debian's zsh looks

file(GLOB pages "${root}/man/man[1-8]/*.[1-8]")
execute_process(COMMAND gzip -9 -n "${documents}/changelog.Debian" ${pages}
                COMMAND_ERROR_IS_FATAL ANY)

file(WRITE "${root}/lintian/overrides/procscope"
"# Not made to be uploaded to Debian: there is no bug that asks for it.
procscope: initial-upload-closes-no-bugs *
")
