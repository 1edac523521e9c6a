# davit_unity(<target>): with DAVIT_UNITY its sources are compiled thirty at a time.
function(davit_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${DAVIT_UNITY} UNITY_BUILD_BATCH_SIZE 30)
  if(DAVIT_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # To GCC a source that is included is a header, where an unnamed namespace in a class would be a mistake.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
