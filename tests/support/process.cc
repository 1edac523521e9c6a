#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace davit::test {
namespace {

using std::chrono::steady_clock;

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  return ends;
}

void close_end(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<std::string> environment(const Command& command) {
  std::map<std::string, std::string> all;
  if (command.clean_env) {
    all["PATH"] = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "/usr/bin:/bin";
  } else {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      const auto equals = text.find('=');
      all[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : command.env) all[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) {
    if (!value.empty()) out.push_back(name + "=" + value);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Appends what is there; false at the end.
bool take(int fd, std::string& into) {
  std::array<char, 65536> block{};
  const ssize_t n = ::read(fd, block.data(), block.size());
  if (n > 0) into.append(block.data(), static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

Process::Process(const Command& command)
    : input_(command.stdin_text), deadline_(steady_clock::now() + command.deadline) {
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables = environment(command);
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);

  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (!command.stdout_file.empty()) out[1] = ::open(command.stdout_file.c_str(), O_WRONLY | O_CREAT, 0600);
    if (!command.stderr_file.empty())
      err[1] = ::open(command.stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(126);
    for (const int fd : command.closed) ::close(fd);
    for (const auto& [resource, value] : command.limits) {
      const rlimit limit{value, value};
      ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
    }
    ::execvpe(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  close_end(in[0]);
  close_end(out[1]);
  close_end(err[1]);
  stdin_ = in[1];
  stdout_ = out[0];
  stderr_ = err[0];
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  ::fcntl(stdin_, F_SETFL, O_NONBLOCK);
}

Process::~Process() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_end(stdin_);
  close_end(stdout_);
  close_end(stderr_);
}

void Process::kill(int signal) const {
  if (!status_) ::kill(pid_, signal);
}

void Process::feed() {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t n = ::write(stdin_, input_.data(), input_.size());
  const bool broken = n < 0 && errno == EPIPE;
  if (broken) {
    const timespec now{};
    ::sigtimedwait(&pipe, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (n > 0) input_.erase(0, static_cast<std::size_t>(n));
  if (broken) input_.clear();
}

bool Process::collect(steady_clock::time_point until) {
  if (stdin_ >= 0 && input_.empty()) close_end(stdin_);
  std::array<pollfd, 3> fds{{{stdout_, POLLIN, 0}, {stderr_, POLLIN, 0}, {stdin_, POLLOUT, 0}}};
  if (stdout_ < 0 && stderr_ < 0) return false;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count();
  if (left <= 0) return false;
  ::poll(fds.data(), fds.size(), static_cast<int>(std::min<long long>(left, 1000)));
  if (fds[0].revents != 0 && !take(stdout_, result_.out)) close_end(stdout_);
  if (fds[1].revents != 0 && !take(stderr_, result_.err)) close_end(stderr_);
  if (fds[2].revents != 0) feed();
  return true;
}

bool Process::wait_for_output(const std::string& text) {
  const auto found = [&] {
    return result_.out.find(text) != std::string::npos || result_.err.find(text) != std::string::npos;
  };
  while (!found() && collect(deadline_)) {
  }
  return found();
}

ProcessResult Process::wait() {
  if (status_) return result_;
  while (collect(deadline_)) {
  }
  if (steady_clock::now() >= deadline_) {
    result_.timed_out = true;
    ::kill(pid_, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
  if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  return result_;
}

ProcessResult run(const Command& command) {
  return Process(command).wait();
}

}  // namespace davit::test
