# The libraries with their headers, for find_package(davit) and pkg-config; the command with its manual and completions.
include(CMakePackageConfigHelpers)

install(TARGETS davit EXPORT davitTargets FILE_SET public_headers)
if(TARGET davit_emulator)
  # In the same export: find_package(davit) gives davit::emulator when davit was built with it.
  install(TARGETS davit_emulator EXPORT davitTargets FILE_SET emulator_headers)
endif()
install(EXPORT davitTargets NAMESPACE davit:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/davit)

set(DAVIT_HAS_EMULATOR OFF)
if(TARGET davit_emulator)
  set(DAVIT_HAS_EMULATOR ON)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/davitConfig.cmake.in davitConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/davit NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(davitConfigVersion.cmake COMPATIBILITY SameMinorVersion)  # until 1.0
install(FILES ${PROJECT_BINARY_DIR}/davitConfig.cmake ${PROJECT_BINARY_DIR}/davitConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/davit)

# Whoever links a static libdavit links what it uses; of a shared one this is its own business.
set(DAVIT_PC_REQUIRES "libcurl openssl zlib libzstd libdeflate libpsl yaml-cpp re2")
if(BUILD_SHARED_LIBS)
  set(DAVIT_PC_DEPENDENCIES "Requires.private: ${DAVIT_PC_REQUIRES}")
  set(DAVIT_PC_CFLAGS "")
else()
  set(DAVIT_PC_DEPENDENCIES "Requires: ${DAVIT_PC_REQUIRES}")
  set(DAVIT_PC_CFLAGS " -DDAVIT_STATIC")
endif()
# Relative to where davit.pc lies, so that an installed tree can be moved and `cmake --install --prefix` works.
file(RELATIVE_PATH DAVIT_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/davit.pc.in davit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/davit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET davit_emulator)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/davit-emulator.pc.in davit-emulator.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/davit-emulator.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(DAVIT_BUILD_TOOL)
  if(BUILD_SHARED_LIBS)
    file(RELATIVE_PATH DAVIT_LIBRARY_FROM_TOOL ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(davit_tool PROPERTIES INSTALL_RPATH "$ORIGIN/${DAVIT_LIBRARY_FROM_TOOL}")
  endif()
  install(TARGETS davit_tool)
  # The same program under the name by which docker and others ask for credentials.
  install(CODE "execute_process(COMMAND \${CMAKE_COMMAND} -E create_symlink davit
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/docker-credential-davit\")")
  get_target_property(DAVIT_SHARE davit_tool DAVIT_SHARE)
  if(DAVIT_SHARE)
    install(DIRECTORY ${DAVIT_SHARE}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(DIRECTORY ${DAVIT_SHARE}/bash-completion ${DAVIT_SHARE}/fish ${DAVIT_SHARE}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR})
  else()
    install(FILES ${PROJECT_SOURCE_DIR}/docs/man/davit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  endif()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
