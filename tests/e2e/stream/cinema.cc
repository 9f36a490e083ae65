#include "tests/e2e/stream/cinema.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <stdexcept>

#include "tests/engine_sim/film.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/numbered_ts.h"

namespace ace::test {

using namespace std::chrono_literals;

Cinema::Cinema(std::size_t engines, const CinemaOptions& options)
    : engines_{engines},
      service_{{.workers = options.workers,
                .engines = engines,
                .redis = options.redis,
                .environment = options.environment}} {
  for (std::size_t i = 0; i < engines; ++i) {
    service_.engines().fault("vod", std::to_string(options.size), i);
  }
}

HttpReply Cinema::ask(const std::string& agent, const std::string& range, std::string_view method,
                      const HeaderList& headers) const {
  auto all = headers;
  all.emplace_back("User-Agent", agent);
  if (!range.empty()) all.emplace_back("Range", "bytes=" + range);
  return http_request(service_.port(), method, stream_target(stream_id(1)), all,
                      {.timeout = 60s, .max_body = 64U << 20U});
}

UniqueFd Cinema::open(const std::string& agent, const HeaderList& headers) const {
  auto request = fmt::format("GET {} HTTP/1.1\r\nHost: p\r\nUser-Agent: {}\r\n",
                             stream_target(stream_id(1)), agent);
  for (const auto& [name, value] : headers) request += fmt::format("{}: {}\r\n", name, value);
  request += "\r\n";
  auto connection = connect_loopback(service_.port());
  send_all(connection, request);
  return connection;
}

std::uint64_t Cinema::total(const char* name) const {
  const auto state = engines().state();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < engines_; ++i) sum += state.engine(i, name);
  return sum;
}

void send_all(const UniqueFd& connection, std::string_view bytes) {
  if (::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error{"the request was not taken"};
  }
}

std::string film(std::uint64_t first, std::uint64_t count) {
  std::string bytes;
  sim::film_bytes(infohash_of_content(stream_id(1)), first, count, bytes);
  return bytes;
}

std::string rest_of(const UniqueFd& connection) {
  const auto reply = exchange(connection, "", 90s);
  if (!reply.is_closed) throw std::runtime_error{"the answer does not end"};
  return reply.bytes.substr(reply.bytes.find("\r\n\r\n") + 4);
}

bool has_begun(const UniqueFd& connection) {
  return wait_until(
      [&] {
        char first{};
        return ::recv(connection.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
      },
      30s);
}

}  // namespace ace::test
