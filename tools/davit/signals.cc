#include "signals.h"

#include <atomic>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace davit::tool {
namespace {

std::atomic<int> received = 0;
std::atomic<bool> gently = false;
int wake_pipe[2] = {-1, -1};

void on_signal(int number) {
  if (received.exchange(number) != 0) {  // the second one: no more cleaning up
    ::signal(number, SIG_DFL);
    ::raise(number);
    return;
  }
  const char byte = 's';
  static_cast<void>(!::write(wake_pipe[1], &byte, 1));
}

}  // namespace

Signals::Signals() {
  if (::pipe2(wake_pipe, O_CLOEXEC) != 0) return;
  watcher_ = std::thread([this] {
    char byte = 0;
    if (::read(wake_pipe[0], &byte, 1) != 1 || byte != 's') return;
    (gently && received == SIGTERM ? gentle_ : stop_).request_stop();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = 0;  // a prompt for a password ends, so that the terminal gets its echo back
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);  // nohup stays in force
  }
}

Signals::~Signals() {
  if (!watcher_.joinable()) return;
  const char byte = 'q';
  static_cast<void>(!::write(wake_pipe[1], &byte, 1));
  watcher_.join();
}

std::stop_token Signals::gentle_stop() const {
  gently = true;
  return gentle_.get_token();
}

void Signals::end_by_signal() const {
  const int number = received;
  if (number == 0) return;
  ::signal(number, SIG_DFL);
  ::raise(number);
  // The first process of a container does not die of its own signals.
  constexpr int kBySignal = 128;
  ::_exit(kBySignal + number);
}

}  // namespace davit::tool
