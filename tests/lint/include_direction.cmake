# workers -> coordinator -> proto -> shared: nothing includes what lies above it. proto does no I/O,
# and the processes' half of coordinator stays forkable: neither may know libuv, curl or hiredis.
#   cmake -D ROOT=<sources> -P include_direction.cmake
set(problems)

# forbid(folder pattern why): no file below `folder` includes a path that matches `pattern`.
function(forbid folder pattern why)
  file(GLOB_RECURSE files ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cc)
  foreach(file IN LISTS files)
    file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"](${pattern})")
    foreach(line IN LISTS lines)
      file(RELATIVE_PATH name ${ROOT} ${file})
      list(APPEND problems "${name}: ${line}  (${why})")
    endforeach()
  endforeach()
  set(problems ${problems} PARENT_SCOPE)
endfunction()

set(loop_libraries "uv\\.h|uv/|curl/|hiredis|shared/(loop|redis|curl)/")

forbid(shared "(proto|coordinator|workers|tests)/" "shared knows nothing of streams")
forbid(proto "(coordinator|workers|tests)/" "proto is below")
forbid(proto "${loop_libraries}" "proto does no I/O")
forbid(coordinator "(workers|tests)/" "coordinator is below workers")
forbid(coordinator/host "${loop_libraries}" "the supervisor must stay forkable")
forbid(coordinator/supervisor "${loop_libraries}" "the supervisor must stay forkable")
forbid(coordinator/host "coordinator/(supervisor|ownership)/" "host is below")
forbid(coordinator/supervisor "coordinator/ownership/" "the two halves do not know each other")
forbid(coordinator/ownership "coordinator/supervisor/" "the two halves do not know each other")
forbid(workers "tests/" "what ships does not know its tests")

if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "includes that point the wrong way:\n  ${text}")
endif()
