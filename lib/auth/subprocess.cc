#include "auth/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"

extern char** environ;

namespace davit::auth {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// How long a cancelled or overdue call may go unnoticed.
constexpr int kTickMilliseconds = 50;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

/// Above the three standard descriptors, which a host may have closed: the child's redirections must not
/// collide.
Result<Descriptor> above_standard(Descriptor given) {
  if (given.get() > STDERR_FILENO) return given;
  Descriptor moved(::fcntl(given.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.get() < 0) return errno_error("prepare a helper's descriptors", errno);
  return moved;
}

/// A file in memory: the child can read it at its leisure, and a child that does not read it hurts nobody.
Result<Descriptor> memory_file(const std::string& text) {
  Descriptor file(::memfd_create("davit-helper-input", MFD_CLOEXEC));
  if (file.get() < 0) return errno_error("prepare a helper's input", errno);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error("prepare a helper's input", errno);
    done += static_cast<std::size_t>(n);
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return errno_error("prepare a helper's input", errno);
  return above_standard(std::move(file));
}

/// Owns what posix_spawn wants to be told.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// `messages` may be -1: they go nowhere then.
  int prepare(int input, int output, int messages) {
    int failed = ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    if (failed == 0) {
      failed = messages < 0
                   ? ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
                   : ::posix_spawn_file_actions_adddup2(&actions_, messages, STDERR_FILENO);
    }
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    // What the host program opened without close-on-exec is none of the helper's business either.
    if (failed == 0) failed = ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#endif
#endif
    // The helper starts with ordinary signals, whatever the host program did to its own.
    sigset_t none;
    sigset_t ordinary;
    ::sigemptyset(&none);
    ::sigemptyset(&ordinary);
    for (const int signal : {SIGCHLD, SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT})
      ::sigaddset(&ordinary, signal);
    if (failed == 0) failed = ::posix_spawnattr_setsigmask(&attributes_, &none);
    if (failed == 0) failed = ::posix_spawnattr_setsigdefault(&attributes_, &ordinary);
    if (failed == 0)
      failed = ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return failed;
  }

  int spawn(pid_t& pid, const std::string& program, const std::vector<std::string>& arguments) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};  // posix_spawn does not write to them
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// A running child, killed and reaped at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool ended() {
    if (ended_) return true;
    int status = 0;
    const pid_t answer = ::waitpid(pid_, &status, WNOHANG);
    if (answer == 0 || (answer < 0 && errno == EINTR)) return false;
    ended_ = true;
    if (answer == pid_) exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }
  [[nodiscard]] int exit_status() const { return exit_status_; }

 private:
  pid_t pid_;
  bool ended_ = false;
  int exit_status_ = -1;
};

/// Takes what is there. True at the end of the output.
bool drain(int fd, std::string& into, std::size_t limit) {
  std::array<char, 4096> buffer;
  while (into.size() <= limit) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const bool later = n < 0 && errno == EAGAIN;
      ::explicit_bzero(buffer.data(), buffer.size());
      return !later;
    }
    into.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::explicit_bzero(buffer.data(), buffer.size());
  return false;
}

/// Our end of a pipe does not block, and the child's is above the standard descriptors.
struct Pipe {
  Descriptor ours;
  Descriptor childs;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("prepare a helper's output", errno);
  Descriptor ours(ends[0]);
  DAVIT_TRY(Descriptor childs, above_standard(Descriptor(ends[1])));
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("prepare a helper's output", errno);
  return Pipe{std::move(ours), std::move(childs)};
}

/// The beginning of what comes; the rest is read and dropped, so that nobody waits for room. True at the end.
bool skim(int fd, std::string& into, std::size_t limit) {
  std::array<char, 4096> buffer;
  for (int turn = 0; turn < 16; ++turn) {  // an endless writer must not keep us
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 || errno != EAGAIN;
    into.append(buffer.data(), std::min(static_cast<std::size_t>(n), limit - into.size()));
  }
  return false;
}

}  // namespace

Result<ProcessResult> run_process(const std::string& program, const std::vector<std::string>& arguments,
                                  const Secret& input, const ProcessLimits& limits,
                                  const CallContext& context) {
  DAVIT_TRY_VOID(check(context));
  DAVIT_TRY(const Descriptor in, memory_file(input.reveal()));
  DAVIT_TRY(Pipe out, make_pipe());
  std::optional<Pipe> err;
  if (limits.messages > 0) {
    DAVIT_TRY(Pipe pipe, make_pipe());
    err.emplace(std::move(pipe));
  }

  SpawnPlan plan;
  pid_t pid = 0;
  int failed = plan.prepare(in.get(), out.childs.get(), err ? err->childs.get() : -1);
  if (failed == 0) failed = plan.spawn(pid, program, arguments);
  if (failed != 0) return errno_error("start", failed);
  Child child(pid);
  out.childs.reset();
  if (err) err->childs.reset();

  const auto until = SteadyClock::now() + limits.time;
  std::string text;
  text.reserve(limits.output + 8192);  // never moved, so that no copy of a secret stays behind
  std::string messages;
  bool closed = false;
  bool silent = !err;
  for (;;) {
    const bool ended = child.ended();
    closed = closed || drain(out.ours.get(), text, limits.output);
    silent = silent || skim(err->ours.get(), messages, limits.messages);
    if (text.size() > limits.output) {
      Secret dropped(std::move(text));
      return make_error(Errc::protocol, "more than " + std::to_string(limits.output) + " bytes of output");
    }
    if (ended) {
      return ProcessResult{.exit_status = child.exit_status(),
                           .output = Secret(std::move(text)),
                           .messages = std::move(messages)};
    }
    if (auto go_on = check(context); !go_on) return go_on.error();
    if (SteadyClock::now() >= until) return make_error(Errc::timeout, "no answer in time");
    std::array<pollfd, 2> outputs{
        pollfd{.fd = closed ? -1 : out.ours.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = silent ? -1 : err->ours.get(), .events = POLLIN, .revents = 0}};
    ::poll(outputs.data(), outputs.size(), closed && silent ? 1 : kTickMilliseconds);
  }
}

}  // namespace davit::auth
