#include "tests/support/process/sim_process.h"

#include <stdexcept>

#include "tests/support/process/http_request.h"
#include "tests/support/process/proxy_process.h"

namespace ace::test {
namespace {

constexpr std::chrono::seconds kStartTimeout{60};
/// A question that is given up fails its test: nobody but the machine is slow here.
constexpr HttpLimits kLimits{.timeout = std::chrono::seconds{30}};

std::uint64_t number(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsUint64()) {
    throw std::runtime_error{std::string{"the simulator's state has no number "} + name};
  }
  return member->value.GetUint64();
}

const rapidjson::Value& child(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd()) {
    throw std::runtime_error{std::string{"the simulator's state has no "} + name};
  }
  return member->value;
}

bool was_asked_for_as(const rapidjson::Value& stream, std::string_view id) {
  for (const auto& asked : child(stream, "ids").GetArray()) {
    if (id == std::string_view{asked.GetString(), asked.GetStringLength()}) return true;
  }
  return false;
}

SimStream find_stream(const rapidjson::Value& streams, std::string_view id) {
  for (const auto& [infohash, stream] : streams.GetObject()) {
    if (id != std::string_view{infohash.GetString(), infohash.GetStringLength()} &&
        !was_asked_for_as(stream, id)) {
      continue;
    }
    return {.opened = number(stream, "opened"),
            .alive = number(stream, "alive"),
            .max_alive = number(stream, "max_alive"),
            .bytes_sent = number(stream, "bytes_sent")};
  }
  return {};
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return result;
}

const rapidjson::Value& engine_of(const rapidjson::Document& json, std::size_t index) {
  const auto& engines = child(json, "engines");
  const auto position = static_cast<rapidjson::SizeType>(index);
  if (position >= engines.Size()) throw std::out_of_range{"no such engine"};
  return engines[position];
}

}  // namespace

SimState::SimState(std::string_view json) {
  json_.Parse(json.data(), json.size());
  if (json_.HasParseError() || !json_.IsObject()) {
    throw std::runtime_error{"not the simulator's state: " + std::string{json}};
  }
}

std::uint64_t SimState::engine(std::size_t index, const char* name) const {
  return number(engine_of(json_, index), name);
}

std::uint64_t SimState::requests(std::size_t index, const char* endpoint) const {
  const auto& counts = child(engine_of(json_, index), "requests");
  return counts.HasMember(endpoint) ? number(counts, endpoint) : 0;
}

SimStream SimState::stream(std::string_view id) const {
  return find_stream(child(json_, "streams"), id);
}

SimStream SimState::stream(std::size_t index, std::string_view id) const {
  return find_stream(child(engine_of(json_, index), "streams"), id);
}

SimProcess::SimProcess(const SimOptions& options) {
  ChildOptions child_options;
  const auto port_file = dir_.file("ports");
  const auto control_file = dir_.file("control");
  child_options.arguments = {"--exit-on-stdin-eof", "--port-file",    port_file,   "--control",
                             "127.0.0.1:0",         "--control-file", control_file};
  for (std::size_t i = 0; i < options.engines; ++i) {
    child_options.arguments.insert(child_options.arguments.end(), {"--engine", "127.0.0.1:0"});
  }
  child_options.arguments.insert(
      child_options.arguments.end(),
      {"--source", options.source, "--bitrate", std::to_string(options.bitrate)});
  child_options.arguments.insert(child_options.arguments.end(), options.arguments.begin(),
                                 options.arguments.end());
  child_options.hold_stdin = true;
  process_ = std::make_unique<ChildProcess>("ace-engine-sim", ACE_BINARY_DIR "/ace-engine-sim",
                                            child_options);
  ports_ = wait_for_ports(*process_, port_file, kStartTimeout);
  control_port_ = wait_for_ports(*process_, control_file, kStartTimeout).front();
}

std::string SimProcess::engine_list() const {
  std::string list;
  for (const auto port : ports_) {
    list += (list.empty() ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(port);
  }
  return list;
}

SimState SimProcess::state() const {
  const auto reply = http_request(control_port_, "GET", "/sim/state", {}, kLimits);
  if (reply.status != 200) throw std::runtime_error{"the simulator does not tell its state"};
  return SimState{reply.body};
}

void SimProcess::fault(std::string_view name, std::string_view value, std::size_t engine) const {
  const auto target = "/sim/fault?engine=" + std::to_string(engine) +
                      "&name=" + percent_encoded(name) + "&value=" + percent_encoded(value);
  const auto reply = http_request(control_port_, "POST", target, {}, kLimits);
  if (reply.status != 200) throw std::runtime_error{"fault refused: " + reply.body};
}

}  // namespace ace::test
