#include "coordinator/supervisor/inheritance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

namespace ace::supervisor {
namespace {

constexpr const char* kVariable = "ACE_PROXY_INHERITANCE";
/// Of the lines below; that of the memory stands beside it.
constexpr std::string_view kFormat = "ace-proxy-inheritance-2";
constexpr SlotState kStates[] = {SlotState::Starting, SlotState::Ready, SlotState::Draining,
                                 SlotState::BackingOff};

std::string first_line() { return fmt::format("{} {}", kFormat, host::HostMemory::layout()); }

std::int64_t ns(SteadyTime time) { return time.time_since_epoch().count(); }

std::istream& operator>>(std::istream& in, SteadyTime& time) {
  std::int64_t count{};
  in >> count;
  time = SteadyTime{std::chrono::nanoseconds{count}};
  return in;
}

std::istream& operator>>(std::istream& in, SlotState& state) {
  std::string word;
  in >> word;
  for (const auto each : kStates) {
    if (to_string(each) != word) continue;
    state = each;
    return in;
  }
  in.setstate(std::ios::failbit);
  return in;
}

/// The rest of a line, which may be empty and hold blanks.
void read_text(std::istream& in, std::string& text) {
  in.get();
  std::getline(in, text);
  in.clear();
}

void read_worker(std::istream& in, Inheritance& into) {
  Inheritance::Worker read;
  std::int64_t delay_ms{};
  in >> read.worker.slot >> read.worker.generation >> read.state >> read.pid >> read.control;
  in >> read.started >> read.restart_at >> delay_ms >> read.heir.slot >> read.heir.generation;
  read.next_delay = milliseconds{delay_ms};
  if (read.worker.slot >= host::kMaxSlots) in.setstate(std::ios::failbit);
  into.workers.push_back(read);
}

void read_inbox(std::istream& in, Inheritance& into) {
  std::size_t slot{};
  Inheritance::Inbox read;
  in >> slot >> read.receive >> read.send;
  if (slot >= into.inboxes.size()) return in.setstate(std::ios::failbit);
  into.inboxes[slot] = read;
}

void read_socket(std::istream& in, Inheritance& into) {
  ListenSocket::Record read;
  in >> read.fd >> read.is_ours >> read.device >> read.inode;
  if (in) read_text(in, read.owned_path);
  into.sockets.push_back(std::move(read));
}

void read_signals(std::istream& in, Inheritance& into) {
  for (int signal{}; in >> signal;) into.blocked_signals.push_back(signal);
  if (in.eof()) in.clear();
}

/// @returns whether the line is whole and known.
bool read_line(const std::string& line, Inheritance& into) {
  std::istringstream in{line};
  std::string what;
  in >> what;
  if (what == "program")
    read_text(in, into.program);
  else if (what == "listen")
    read_text(in, into.listen);
  else if (what == "port_file")
    read_text(in, into.port_file);
  else if (what == "blocked")
    read_signals(in, into);
  else if (what == "socket")
    read_socket(in, into);
  else if (what == "memory")
    in >> into.memory;
  else if (what == "inbox")
    read_inbox(in, into);
  else if (what == "worker")
    read_worker(in, into);
  else
    return false;
  return !in.fail();
}

Error not_ours(std::string_view why) {
  return {Errc::Protocol, fmt::format("what the running proxy hands over: {}", why)};
}

Result<std::string> read_file(int fd) {
  std::string text;
  char part[4096];
  for (;;) {
    const auto got = pread(fd, part, sizeof part, static_cast<off_t>(text.size()));
    if (got < 0) return fail(not_ours("cannot be read"));
    if (got == 0) return text;
    text.append(part, static_cast<std::size_t>(got));
  }
}

Status check_open(const std::vector<int>& descriptors) {
  for (const int fd : descriptors) {
    if (fcntl(fd, F_GETFD) < 0) return fail(not_ours(fmt::format("descriptor {} is closed", fd)));
  }
  return {};
}

}  // namespace

std::vector<int> Inheritance::descriptors() const {
  std::vector<int> all{memory};
  for (const auto& socket : sockets) all.push_back(socket.fd);
  for (const auto& inbox : inboxes) {
    all.push_back(inbox.receive);
    all.push_back(inbox.send);
  }
  for (const auto& worker : workers) {
    if (worker.control >= 0) all.push_back(worker.control);
  }
  return all;
}

std::string to_text(const Inheritance& inheritance) {
  std::string text = first_line() + '\n';
  const auto add = [&text](const char* form, const auto&... words) {
    text += fmt::format(fmt::runtime(form), words...) + '\n';
  };
  add("program {}", inheritance.program);
  add("listen {}", inheritance.listen);
  add("port_file {}", inheritance.port_file);
  add("blocked {}", fmt::format("{}", fmt::join(inheritance.blocked_signals, " ")));
  for (const auto& socket : inheritance.sockets) {
    add("socket {} {:d} {} {} {}", socket.fd, socket.is_ours, socket.device, socket.inode,
        socket.owned_path);
  }
  add("memory {}", inheritance.memory);
  for (std::size_t slot = 0; slot < inheritance.inboxes.size(); ++slot) {
    add("inbox {} {} {}", slot, inheritance.inboxes[slot].receive, inheritance.inboxes[slot].send);
  }
  for (const auto& worker : inheritance.workers) {
    add("worker {} {} {} {} {} {} {} {} {} {}", worker.worker.slot, worker.worker.generation,
        to_string(worker.state), worker.pid, worker.control, ns(worker.started),
        ns(worker.restart_at), worker.next_delay.count(), worker.heir.slot, worker.heir.generation);
  }
  return text + "end\n";
}

Result<Inheritance> parse_inheritance(std::string_view text) {
  std::istringstream in{std::string{text}};
  std::string line;
  std::getline(in, line);
  if (line != first_line()) {
    return fail(
        not_ours(fmt::format("is \"{}\", this program takes over \"{}\": a restart is needed",
                             line.substr(0, 200), first_line())));
  }
  Inheritance read;
  while (std::getline(in, line) && line != "end") {
    if (!read_line(line, read)) return fail(not_ours(fmt::format("\"{}\"", line)));
  }
  if (line != "end" || read.sockets.empty()) return fail(not_ours("is not whole"));
  return read;
}

Result<UniqueFd> write_inheritance(const Inheritance& inheritance) {
  UniqueFd file{memfd_create("ace-proxy-inheritance", MFD_CLOEXEC)};
  const auto text = to_text(inheritance);
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(Error::from_errno("a file for the next program", errno));
  }
  return file;
}

void announce_inheritance(Role role, int fd) {
  const auto value = fmt::format("{} {}", role == Role::Trial ? "trial" : "heir", fd);
  setenv(kVariable, value.c_str(), 1);
}

void withdraw_inheritance() { unsetenv(kVariable); }

Result<std::optional<Bequest>> claim_inheritance() {
  const char* const given = std::getenv(kVariable);
  if (given == nullptr) return std::nullopt;
  std::istringstream words{given};
  withdraw_inheritance();
  std::string role;
  int fd{-1};
  if (!(words >> role >> fd) || (role != "trial" && role != "heir")) {
    return fail(not_ours(fmt::format("{} makes no sense", kVariable)));
  }
  const UniqueFd file{fd};
  const auto text = read_file(fd);
  if (!text) return fail(text.error());
  auto inheritance = parse_inheritance(*text);
  if (!inheritance) return fail(std::move(inheritance).error());
  const auto descriptors = inheritance->descriptors();
  if (auto open = check_open(descriptors); !open) return fail(std::move(open).error());
  set_on_exec(descriptors, OnExec::Close);
  return Bequest{.role = role == "trial" ? Role::Trial : Role::Heir,
                 .inheritance = std::move(*inheritance)};
}

void set_on_exec(const std::vector<int>& descriptors, OnExec what) {
  for (const int fd : descriptors) fcntl(fd, F_SETFD, what == OnExec::Close ? FD_CLOEXEC : 0);
}

std::vector<int> members_of(const sigset_t& set) {
  std::vector<int> signals;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&set, signal) == 1) signals.push_back(signal);
  }
  return signals;
}

sigset_t set_of(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace ace::supervisor
