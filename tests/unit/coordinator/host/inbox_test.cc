#include "coordinator/host/inbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace ace::host;

TEST_CASE("an inbox keeps messages whole, in order, with their descriptors", "[inbox]") {
  auto inbox = make_inbox();
  REQUIRE(inbox);
  ace::UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  REQUIRE(send_to_inbox(*inbox, "first", null.get()));
  REQUIRE(send_to_inbox(*inbox, "second", -1));
  auto first = receive_from_inbox(*inbox);
  REQUIRE(first.has_value());
  REQUIRE(first->has_value());
  CHECK((*first)->bytes == "first");
  CHECK((*first)->descriptor);
  CHECK((::fcntl((*first)->descriptor.get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto second = receive_from_inbox(*inbox);
  REQUIRE(second->has_value());
  CHECK((*second)->bytes == "second");
  CHECK_FALSE((*second)->descriptor);
  CHECK_FALSE(receive_from_inbox(*inbox)->has_value());
}

TEST_CASE("a full inbox says busy and loses nothing", "[inbox]") {
  auto inbox = make_inbox();
  REQUIRE(inbox);
  const std::string message(16000, 'x');
  int sent = 0;
  ace::Status last;
  while ((last = send_to_inbox(*inbox, message, -1)).has_value()) ++sent;
  CHECK(last.error().code == ace::Errc::Busy);
  CHECK(sent > 0);
  int received = 0;
  while (receive_from_inbox(*inbox)->has_value()) ++received;
  CHECK(received == sent);
}
