# Prometheus' own tool reads the alert rules.
#   cmake -D ROOT=<sources> -D PROMTOOL=<promtool> -P alert_rules.cmake
if(NOT PROMTOOL AND DEFINED ENV{ACE_REQUIRE_TOOLS})
  message(FATAL_ERROR "promtool (package prometheus) is not installed")
elseif(NOT PROMTOOL)
  message("SKIPPED: there is no promtool (package prometheus)")
  return()
endif()
file(GLOB rules ${ROOT}/deploy/prometheus/*.rules.yml)
if(NOT rules)
  message(FATAL_ERROR "there are no alert rules")
endif()
execute_process(COMMAND ${PROMTOOL} check rules ${rules} COMMAND_ERROR_IS_FATAL ANY)
