#include "shared/os/process_tuning.h"
#include "workers/main/program.h"
#include "workers/worker.h"

int main(int argc, char** argv) {
  // Before anything else: no descriptor of ours may get the number of a standard stream.
  if (!ace::os::open_standard_descriptors()) return 1;
  return ace::run_program(argc, argv, ace::workers::run);
}
