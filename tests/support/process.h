#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::test {

/// What to run and under which conditions.
struct Command {
  std::vector<std::string> argv;  ///< argv[0] is looked up in PATH
  /// Added to this process's environment; an empty value removes the variable.
  std::map<std::string, std::string> env = {};
  bool clean_env = false;  ///< start from PATH and nothing else
  std::string stdin_text = {};
  std::string directory = {};
  std::vector<std::pair<int, rlim_t>> limits = {};  ///< {RLIMIT_AS, 64 << 20}, ...
  std::vector<int> closed = {};       ///< descriptors that are closed before the start: {1} has no stdout
  std::string stderr_file = {};       ///< instead of capturing
  std::string stdout_file = {};       ///< "/dev/full", ...; otherwise captured
  std::chrono::seconds deadline{60};  ///< then SIGKILL
};

struct ProcessResult {
  int exit_code = -1;  ///< -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string out;
  std::string err;
};

/// A program in the background with captured output. Ended with SIGKILL by the destructor.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill(int signal) const;
  /// Waits for the end or the deadline, collecting output meanwhile.
  ProcessResult wait();
  /// Collects output until stdout or stderr contains `text`. False when it ended or ran late before.
  bool wait_for_output(const std::string& text);
  /// stdout and stderr so far.
  [[nodiscard]] const std::string& out() const { return result_.out; }
  [[nodiscard]] const std::string& err() const { return result_.err; }

 private:
  bool collect(std::chrono::steady_clock::time_point until);
  void feed();

  pid_t pid_ = -1;
  int stdin_ = -1;
  int stdout_ = -1;
  int stderr_ = -1;
  std::string input_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<int> status_;
  ProcessResult result_;
};

/// Runs a program to its end.
ProcessResult run(const Command& command);

}  // namespace davit::test
