# davit_warnings(<target>): the warnings our own code is built with. Errors only where a preset asks for it, so a
# newer compiler never breaks an embedder.
function(davit_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    -Wno-missing-field-initializers)  # designated initializers name what matters; the rest has defaults
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety)
  else()
    target_compile_options(${target} PRIVATE -Wno-restrict)  # false alarms in std::string: GCC bug 105651
  endif()
  if(DAVIT_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
