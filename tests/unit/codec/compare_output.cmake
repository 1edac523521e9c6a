# The output of PROGRAM must be the content of GOLDEN.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output RESULT_VARIABLE status)
file(READ ${GOLDEN} golden)
if(NOT status EQUAL 0 OR NOT output STREQUAL golden)
  message(FATAL_ERROR "exit status ${status}, output:\n${output}\nexpected:\n${golden}")
endif()
