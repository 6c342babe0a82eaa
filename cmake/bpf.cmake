# embed_bpf(library source name): compiles a BPF program with clang and embeds the object file as embed_text does,
# as `extern const char NAME[]`. Its records are declared in a header that the library's own sources include, too.
function(embed_bpf library source name)
    set(object "${PROJECT_BINARY_DIR}/embedded/${library}/${name}.o")
    set(include "")
    if(CMAKE_LIBRARY_ARCHITECTURE) # where Debian has asm/types.h
        set(include -isystem "/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}")
    endif()
    get_target_property(bpf_include procscope::bpf INTERFACE_INCLUDE_DIRECTORIES)
    if(bpf_include)
        list(TRANSFORM bpf_include PREPEND "-isystem" OUTPUT_VARIABLE more)
        list(APPEND include ${more})
    endif()
    set(strip "")
    if(BPF_STRIP) # DWARF goes, BTF stays
        set(strip COMMAND "${BPF_STRIP}" -g "${object}")
    endif()
    get_filename_component(folder "${source}" DIRECTORY)
    file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.h")
    # Linux 5.1 knows the instructions of -mcpu=v3. The order of bytes is the host's.
    add_custom_command(
        OUTPUT "${object}"
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/embedded/${library}"
        COMMAND "${BPF_CLANG}" -target bpf -mcpu=v3 -ffreestanding -O2 -g -Wall -Wextra
                -Wno-unused-parameter ${include} -c "${PROJECT_SOURCE_DIR}/${source}" -o "${object}"
        ${strip}
        DEPENDS "${PROJECT_SOURCE_DIR}/${source}" ${headers}
        COMMENT "Compiling ${source} for BPF" VERBATIM)
    embed_file(${library} "${object}" "${source}" ${name})
endfunction()
