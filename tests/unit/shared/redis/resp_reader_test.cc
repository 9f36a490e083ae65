#include "shared/redis/resp_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "shared/base/bytes.h"
#include "shared/redis/resp_writer.h"

using ace::Errc;
using ace::redis::Reply;
using ace::redis::RespReader;
using Kind = ace::redis::RespReader::Answer::Kind;

namespace {

/// Gives `bytes` to the reader through the space it offers, at most `step` at a time.
struct Feeder {
  RespReader reader;
  RespReader::Place place;
  std::vector<std::string> answers;
  std::string error;

  static std::string print(const Reply& reply) {
    switch (reply.kind) {
      case Reply::Kind::Nil:
        return "nil";
      case Reply::Kind::Integer:
        return std::to_string(reply.integer);
      case Reply::Kind::String:
        return '"' + reply.text + '"';
      case Reply::Kind::Status:
        return reply.text;
      case Reply::Kind::Array:
        break;
    }
    std::string list = "[";
    for (const auto& element : reply.elements) list += print(element) + ' ';
    return list + ']';
  }
  static std::string print(const RespReader::Answer& answer) {
    if (answer.kind == Kind::Placed) return "placed " + std::to_string(answer.size);
    if (answer.kind == Kind::Refused) return "refused " + std::to_string(answer.size);
    if (!answer.reply) return "error " + answer.reply.error().text;
    return print(*answer.reply);
  }

  void feed(std::string_view bytes) {
    while (!bytes.empty() && error.empty()) {
      const auto space = reader.space();
      std::size_t given{};
      for (const auto part : space) {
        const auto size = std::min(part.size(), bytes.size());
        if (size > 0) std::memcpy(part.data(), bytes.data(), size);
        bytes.remove_prefix(size);
        given += size;
      }
      reader.filled(given);
      drain();
    }
  }
  void drain() {
    while (true) {
      auto next = reader.next(place);
      if (!next) {
        REQUIRE(next.error().code == Errc::Protocol);
        error = next.error().text;
        return;
      }
      if (!*next) return;
      answers.push_back(print(**next));
    }
  }
};

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("every kind of answer is read whatever way its bytes are split", "[redis][resp]") {
  const std::string bytes =
      "+OK\r\n-ERR no\r\n:-12\r\n$-1\r\n$0\r\n\r\n$7\r\na\r\nb\r\nc\r\n*-1\r\n*0\r\n"
      "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n+s\r\n*2\r\n-ERR in\r\n:1\r\n:5\r\n";
  const std::vector<std::string> expected{
      "OK", "error ERR no",        "-12",          "nil", "\"\"", "\"a\r\nb\r\nc\"", "nil",
      "[]", "[1 [\"x\" nil ] s ]", "error ERR in", "5"};
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      Feeder feeder;
      feeder.feed(std::string_view{bytes}.substr(0, first));
      feeder.feed(std::string_view{bytes}.substr(first, second - first));
      feeder.feed(std::string_view{bytes}.substr(second));
      if (feeder.answers != expected) {
        CAPTURE(first, second, feeder.error);
        REQUIRE(feeder.answers == expected);
      }
    }
  }
}

TEST_CASE("a value goes to the memory it was given, however it is split", "[redis][resp]") {
  const std::string value = "0123456789abcdef\r\n$3\r\n";
  const std::string one = "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  const std::string bytes = one + "+OK\r\n" + one;
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    std::vector<std::string> memory;
    memory.reserve(8);
    Feeder feeder;
    feeder.place = [&](std::size_t size) -> std::optional<std::span<std::byte>> {
      memory.emplace_back(size, '?');
      return std::as_writable_bytes(std::span{memory.back()});
    };
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      feeder.feed(std::string_view{bytes}.substr(at, step));
    }
    REQUIRE(feeder.answers == std::vector<std::string>{"placed 22", "OK", "placed 22"});
    REQUIRE(memory == std::vector<std::string>{value, value});
  }
}

TEST_CASE("most of a large value is offered its own memory", "[redis][resp]") {
  std::vector<std::byte> memory(300'000);
  RespReader reader;
  const std::string head = "$300000\r\n";
  std::memcpy(reader.space()[1].data(), head.data(), head.size());
  reader.filled(head.size());
  const auto place = [&](std::size_t) { return std::optional{std::span<std::byte>{memory}}; };
  REQUIRE_FALSE(reader.next(place)->has_value());
  CHECK(reader.space()[0].data() == memory.data());
  CHECK(reader.space()[0].size() == memory.size());
}

TEST_CASE("a refused value is read over and what follows is read", "[redis][resp]") {
  Feeder feeder;
  feeder.place = [](std::size_t) { return std::optional{std::span<std::byte>{}}; };
  feeder.feed("$100000\r\n" + std::string(100'000, 'x') + "\r\n:7\r\n$0\r\n\r\n");
  CHECK(feeder.answers == std::vector<std::string>{"refused 100000", "7", "placed 0"});
}

TEST_CASE("a long text is kept whole", "[redis][resp]") {
  const std::string value(200'000, 'v');
  std::string bytes;
  ace::redis::append_word(bytes, value);
  Feeder feeder;
  feeder.feed(bytes);
  REQUIRE(feeder.answers.size() == 1);
  CHECK(feeder.answers[0] == '"' + value + '"');
}

TEST_CASE("what is not RESP ends the connection instead of being guessed at", "[redis][resp]") {
  const auto junk = GENERATE(as<std::string>{}, "hello\r\n", "\r\n", "+OK\n", "$x\r\n", "$-2\r\n",
                             ":\r\n", ":1a\r\n", "*-2\r\n", "$3\r\nabcd\r\n", "$99999999999\r\n",
                             "*99999999\r\n", "%1\r\n");
  Feeder feeder;
  feeder.feed(junk);
  CAPTURE(junk);
  CHECK(feeder.answers.empty());
  CHECK_FALSE(feeder.error.empty());
}

TEST_CASE("nesting, sums of sizes and lines have bounds", "[redis][resp]") {
  SECTION("depth") {
    Feeder feeder;
    feeder.feed(repeated("*1\r\n", 9));
    CHECK_FALSE(feeder.error.empty());
  }
  SECTION("a depth within the bound is read") {
    Feeder feeder;
    feeder.feed(repeated("*1\r\n", 8) + ":1\r\n");
    CHECK(feeder.answers.size() == 1);
  }
  SECTION("elements of all arrays of one answer") {
    Feeder feeder;
    feeder.feed("*2\r\n*600000\r\n" + repeated(":1\r\n", 600'000) + "*600000\r\n");
    CHECK_FALSE(feeder.error.empty());
  }
  SECTION("a line") {
    Feeder feeder;
    feeder.feed("+" + std::string(100'000, 'x'));
    CHECK_FALSE(feeder.error.empty());
  }
  SECTION("the bounds are those of one answer, not of all") {
    Feeder feeder;
    for (int i = 0; i < 3; ++i) feeder.feed("*500000\r\n" + repeated(":1\r\n", 500'000));
    CHECK(feeder.answers.size() == 3);
  }
}

TEST_CASE("a command is written as an array of its words", "[redis][resp]") {
  std::string bytes;
  ace::redis::append_command(bytes, {"SET", "key", "", "a\r\nb"});
  CHECK(bytes == "*4\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\n$4\r\na\r\nb\r\n");
}
