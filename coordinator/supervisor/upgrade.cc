#include "coordinator/supervisor/upgrade.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "coordinator/supervisor/ground.h"

namespace ace::supervisor {
namespace {

/// Exit code 0 alone would let any program pass.
constexpr std::string_view kPassed = "ace-proxy: ready to take over\n";
/// Of what a trial says; its end, which tells why it failed.
constexpr std::size_t kMostWords = 4096;

/// @returns only when the program could not be executed.
Error execute(const Image& image, Role role, int file) {
  std::vector<char*> argv;
  for (const auto& word : image.arguments) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  announce_inheritance(role, file);
  execv(image.program.c_str(), argv.data());
  return Error::from_errno(image.program, errno);
}

/// In the child, between fork and exec.
int be_trial(const Image& image, std::vector<int> descriptors, int file, int words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(words, STDOUT_FILENO);
  dup2(words, STDERR_FILENO);
  descriptors.push_back(file);
  set_on_exec(descriptors, OnExec::Keep);
  std::fprintf(stderr, "%s\n", execute(image, Role::Trial, file).text.c_str());
  return 127;
}

std::string_view last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  const auto end = text.rfind('\n');
  return end == std::string_view::npos ? text : text.substr(end + 1);
}

}  // namespace

std::string path_of_this_program() {
  const auto* const executed = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  std::error_code failed;
  if (executed != nullptr) {
    const auto path = std::filesystem::absolute(executed, failed);
    if (!failed && std::filesystem::exists(path, failed)) return path;
  }
  return std::filesystem::read_symlink("/proc/self/exe", failed);
}

Status UpgradeTrial::begin(const Image& image, const Inheritance& inheritance) {
  auto file = write_inheritance(inheritance);
  if (!file) return fail(std::move(file).error());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Error::from_errno("pipe", errno));
  UniqueFd hear{ends[0]};
  const UniqueFd speak{ends[1]};
  fcntl(hear.get(), F_SETFL, O_NONBLOCK);
  const auto pid = processes_.fork(
      [&] { return be_trial(image, inheritance.descriptors(), file->get(), speak.get()); });
  if (!pid) return fail(pid.error());
  pid_ = *pid;
  words_ = std::move(hear);
  heard_.clear();
  until_ = clock_.now() + kLimit;
  is_too_late_ = false;
  verdict_.reset();
  return {};
}

void UpgradeTrial::listen() {
  std::array<char, 1024> part{};
  while (words_) {
    const auto got = read(words_.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return words_.reset();
    heard_.append(part.data(), static_cast<std::size_t>(got));
    if (heard_.size() > kMostWords) heard_.erase(0, heard_.size() - kMostWords);
  }
}

bool UpgradeTrial::on_exit(const ChildExit& ended) {
  if (pid_ == 0 || ended.pid != pid_) return false;
  listen();
  words_.reset();
  pid_ = 0;
  verdict_ = judge(ended);
  return true;
}

Status UpgradeTrial::judge(const ChildExit& ended) const {
  if (is_too_late_) {
    return fail(Errc::Timeout,
                fmt::format("the new program gave no answer within {} s", kLimit.count() / 1000));
  }
  if (ended.is_clean() && heard_.ends_with(kPassed)) return {};
  const auto last = last_line(heard_);
  return fail(Errc::Refused, fmt::format("the new program: {}{}{}", ended.describe(),
                                         last.empty() ? "" : ", ", last));
}

/// With whatever it has started.
void UpgradeTrial::kill_all() { processes_.kill(-pid_, SIGKILL); }

void UpgradeTrial::give_up() {
  if (pid_ != 0) kill_all();
}

void UpgradeTrial::mind_limit() {
  if (pid_ == 0 || is_too_late_ || clock_.now() < until_) return;
  is_too_late_ = true;
  kill_all();
}

std::optional<Status> UpgradeTrial::take_verdict() { return std::exchange(verdict_, {}); }

int answer_trial(const Inheritance& inheritance) {
  if (const auto usable = check_ground(inheritance); !usable) {
    std::fprintf(stderr, "ace-proxy: %s\n", usable.error().text.c_str());
    return 1;
  }
  std::fputs(kPassed.data(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

Error become(const Image& image, const Inheritance& inheritance) {
  auto file = write_inheritance(inheritance);
  if (!file) return std::move(file).error();
  auto descriptors = inheritance.descriptors();
  descriptors.push_back(file->get());
  std::fflush(nullptr);
  set_on_exec(descriptors, OnExec::Keep);
  auto why = execute(image, Role::Heir, file->get());
  set_on_exec(descriptors, OnExec::Close);
  withdraw_inheritance();
  return why;
}

}  // namespace ace::supervisor
