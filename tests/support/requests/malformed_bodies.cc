// Where a request ends: two servers that disagree about that are how requests are smuggled.

#include "tests/support/requests/malformed_requests.h"

namespace ace::test {
namespace {

using namespace std::string_literals;

const std::string kTarget{kWantedTarget};
/// What a smuggler hopes that somebody takes for a request of its own.
const std::string kSmuggled = "GET " + kTarget + " HTTP/1.1\r\nHost: proxy\r\n\r\n";

std::string post(const std::string& headers, const std::string& body) {
  return "POST " + kTarget + " HTTP/1.1\r\nHost: proxy\r\n" + headers + "\r\n" + body;
}

std::string get(const std::string& headers, const std::string& body) {
  return "GET " + kTarget + " HTTP/1.1\r\nHost: proxy\r\n" + headers + "\r\n" + body;
}

std::string of_length(const std::string& length) {
  return get("Content-Length: " + length + "\r\n", "");
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string of_coding(const std::string& coding) {
  return post("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n");
}

}  // namespace

std::vector<MalformedRequest> malformed_lengths() {
  return {
      {"a length that differs", get("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"), 400},
      {"the same length twice", get("Content-Length: 0\r\nContent-Length: 0\r\n", ""), 400},
      {"two lengths in one", of_length("0, 0"), 400},
      {"two lengths in one that differ", of_length("0, 5"), 400},
      {"an empty length", of_length(""), 400},
      {"a length of white space", of_length("   "), 400},
      {"a length with a plus", of_length("+0"), 400},
      {"a length with a minus", of_length("-0"), 400},
      {"a length below nothing", of_length("-1"), 400},
      {"a length in hex", of_length("0x0"), 400},
      {"a length in words", of_length("zero"), 400},
      {"a length with a point", of_length("0.0"), 400},
      {"a length with an exponent", of_length("0e1"), 400},
      {"a length of two numbers", of_length("0 0"), 400},
      {"a length with an underscore", of_length("1_0"), 400},
      {"a length in quotes", of_length("\"0\""), 400},
      {"a length with a NUL", of_length("0\0"s), 400},
      {"a length behind a tab", of_length("\t0"), 400},
      {"a length behind a vertical tab", of_length("\v0"), 400},
      {"a length in other digits", of_length("\xd9\xa0"), 400},
      {"a length beyond 64 bits", of_length("18446744073709551616"), 400},
      {"a length of a hundred digits", of_length(std::string(100, '9')), 400},
      {"the greatest length", post("Content-Length: 18446744073709551615\r\n", ""), 413},
      {"a body of 8 EB", post("Content-Length: 9223372036854775807\r\n", ""), 413},
      {"a space behind the length's name", get("Content-Length : 0\r\n", ""), 400},
      {"a body for GET", get("Content-Length: 5\r\n", "hello"), 413},
      {"a request as a body for GET",
       get("Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n", kSmuggled), 413},
  };
}

std::vector<MalformedRequest> malformed_codings() {
  const auto both = "5\r\nhello\r\n0\r\n\r\n" + kSmuggled;
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  const std::string length = "Content-Length: 4\r\n";
  return {
      {"length, then coding", post(length + coding, both), 400},
      {"coding, then length", post(coding + length, both), 400},
      {"coding and a length of 0", post(coding + "Content-Length: 0\r\n", both), 400},
      {"coding and a length, in lower case", post("transfer-encoding: chunked\r\n" + length, both),
       400},
      {"coding in HTTP/1.0",
       "POST " + kTarget + " HTTP/1.0\r\nHost: proxy\r\n" + coding + "\r\n0\r\n\r\n", 400},
      {"the coding twice", post(coding + coding, "0\r\n\r\n"), 400},
      {"chunked and another coding", post(coding + "Transfer-Encoding: identity\r\n", both), 400},
      {"another coding and chunked", post("Transfer-Encoding: identity\r\n" + coding, both), 400},
      {"identity", of_coding("identity"), 400},
      {"gzip", of_coding("gzip"), 400},
      {"gzip, then chunked", of_coding("gzip, chunked"), 400},
      {"chunked, then gzip", of_coding("chunked, gzip"), 400},
      {"chunked twice in one", of_coding("chunked, chunked"), 400},
      {"an empty coding", of_coding(""), 400},
      {"an empty coding and a length", post("Transfer-Encoding:\r\n" + length, both), 400},
      {"nearly chunked", of_coding("xchunked"), 400},
      {"chunked with a letter behind", of_coding("chunkedx"), 400},
      {"chunked in quotes", of_coding("\"chunked\""), 400},
      {"chunked behind a comma", of_coding(", chunked"), 400},
      {"chunked before a comma", of_coding("chunked,"), 400},
      {"chunked with a parameter", of_coding("chunked;q=1"), 400},
      {"chunked behind a tab", of_coding("\tchunked"), 400},
      {"chunked behind a vertical tab", of_coding("\vchunked"), 400},
      {"chunked with a NUL", of_coding("chunked\0"s), 400},
      {"chunked folded", post("Transfer-Encoding:\r\n chunked\r\n", both), 400},
      {"a space behind the coding's name", post("Transfer-Encoding : chunked\r\n" + length, both),
       400},
      {"the coding behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n", both), 400},
      {"the coding behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n", both), 400},
      {"chunks for GET", get(coding, "0\r\n\r\n" + kSmuggled), 413},
  };
}

std::vector<MalformedRequest> malformed_chunks() {
  return {
      {"a chunk's size that is no number", chunked("zz\r\nhello\r\n0\r\n\r\n"), 400},
      {"no size", chunked("\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size below nothing", chunked("-1\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size with a plus", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size behind a space", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size with a NUL", chunked("5\0\r\nhello\r\n0\r\n\r\n"s), 400},
      {"a size beyond 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size of 64 bits", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 413},
      {"a size behind a bare LF", chunked("5\nhello\r\n0\r\n\r\n"), 400},
      {"a size behind a bare CR", chunked("5\rhello\r\n0\r\n\r\n"), 400},
      {"more than its size", chunked("3\r\nhello\r\n0\r\n\r\n"), 400},
      {"less than its size", chunked("7\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk behind a bare LF", chunked("5\r\nhello\n0\r\n\r\n"), 400},
      {"an extension with a control byte", chunked("5;a=\x01\r\nhello\r\n0\r\n\r\n"), 400},
      {"an extension behind a bare LF", chunked("5;a\nhello\r\n0\r\n\r\n"), 400},
      {"an extension of 200 KB", chunked("5;" + std::string(200'000, 'a') + "\r\nhello\r\n"), 413},
      {"a trailer without a colon", chunked("0\r\nX\r\n\r\n"), 400},
      {"a trailer with a space before the colon", chunked("0\r\nX : y\r\n\r\n"), 400},
      {"a trailer with a NUL", chunked("0\r\nX: \0\r\n\r\n"s), 400},
      {"trailers of 200 KB", chunked("0\r\nX: " + std::string(200'000, 'a') + "\r\n\r\n"), 413},
  };
}

}  // namespace ace::test
