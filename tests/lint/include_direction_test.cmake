# The check that must fail does fail: one wrong include of each kind, alone in a tree of its own.
function(expect_refused folder line)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/${folder}/wrong.h "#pragma once\n${line}\n")
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D ROOT=${WORK} -P ${ROOT}/tests/lint/include_direction.cmake
    RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  if(result EQUAL 0)
    message(SEND_ERROR "not found: ${line} in ${folder}")
  endif()
endfunction()

expect_refused(shared/base "#include \"proto/ids.h\"")
expect_refused(proto/http "#include <uv.h>")
expect_refused(proto "#include \"shared/loop/timer.h\"")
expect_refused(coordinator/ownership "#  include \"workers/x.h\"")
expect_refused(coordinator/supervisor "#include <hiredis/hiredis.h>")
expect_refused(coordinator/host "#include <curl/curl.h>")
expect_refused(workers/http "#include \"tests/support/x.h\"")
