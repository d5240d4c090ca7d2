# The Debian packages: `cpack --preset release` writes plumb (the command) and libplumb-dev (the
# library) to build/release/packages. PlumbDebian.cmake brings each into Debian's shape.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "plumb maintainers <plumb@localhost>")
set(CPACK_COMPONENTS_ALL tool dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/PlumbDebian.cmake")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF)
set(CPACK_DEBIAN_TOOL_PACKAGE_NAME plumb)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOL_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOL_DESCRIPTION "leak detective for Linux
 plumb shows which process holds which descriptor, and what is at the
 other end of each: every file, socket, pipe, timer and watch of the whole
 machine in one look.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libplumb-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libbrotli-dev, libfmt-dev, libssl-dev, libzstd-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION "C++20 networking runtime that cannot leak
 The library half of plumb: an HTTP/1.1 codec, an event loop whose tasks
 cannot outlive their owner, and listeners that survive a full descriptor
 table. Static archives, headers and a CMake package.")
include(CPack)
