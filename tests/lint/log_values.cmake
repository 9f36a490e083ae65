# Text from outside stands in a log line as {:?}, which escapes quotes: in quotes made by hand a value
# could look like another field.
#   cmake -D ROOT=<sources> -P log_values.cmake
set(problems "")
foreach(folder shared proto coordinator workers)
  file(GLOB_RECURSE files ${ROOT}/${folder}/*.cc)
  foreach(file IN LISTS files)
    file(STRINGS ${file} found REGEX "[a-z_]=.\"[{][}].\"")
    foreach(line IN LISTS found)
      file(RELATIVE_PATH name ${ROOT} ${file})
      string(APPEND problems "\n  ${name}: ${line}")
    endforeach()
  endforeach()
endforeach()
if(NOT problems STREQUAL "")
  message(FATAL_ERROR "write {:?} instead:${problems}")
endif()
