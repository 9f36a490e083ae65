#include "workers/main/program.h"
#include "workers/worker.h"

int main(int argc, char** argv) { return ace::run_program(argc, argv, ace::workers::run); }
