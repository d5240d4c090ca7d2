# bpf_object(NAME): compiles NAME.bpf.c of the calling folder for BPF and generates NAME.skel.h,
# which embeds the object (and names C's _Bool, which clang does not know in C++). Adds the interface
# target NAME_skel. clang 14 and bpftool are Debian 12's.
find_program(PLUMB_BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(PLUMB_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)

function(bpf_object name)
  set(source "${CMAKE_CURRENT_SOURCE_DIR}/${name}.bpf.c")
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o")
  set(skeleton "${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h")
  add_custom_command(OUTPUT "${object}"
    COMMAND "${PLUMB_BPF_CLANG}" -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86
            -Wall -Wextra -Werror -Wno-unused-parameter
            -I "${PROJECT_SOURCE_DIR}/src" -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF "${object}.d" -c "${source}" -o "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d" VERBATIM
    COMMENT "BPF ${name}")
  add_custom_command(OUTPUT "${skeleton}"
    COMMAND sh -c "\"$1\" gen skeleton \"$2\" name \"$3\" > \"$4.tmp\" && sed -i 's/_Bool/bool/' \"$4.tmp\" && mv \"$4.tmp\" \"$4\"" --
            "${PLUMB_BPFTOOL}" "${object}" "${name}_bpf" "${skeleton}"
    DEPENDS "${object}" VERBATIM COMMENT "Skeleton ${name}")
  add_custom_target(${name}_skel_file DEPENDS "${skeleton}")
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_skel_file)
  target_include_directories(${name}_skel SYSTEM INTERFACE "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
