#include <catch2/catch.hpp>

#include "shared/redis/client.h"

TEST_CASE("a script knows the name under which Redis keeps it", "[redis]") {
  // What `SCRIPT LOAD "return 1"` answers.
  CHECK(ace::redis::Script{"return 1"}.sha1() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}
