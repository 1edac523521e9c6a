#include "support/fault_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "support/fault_session.h"

namespace davit::test {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

struct FaultServer::Connection {
  explicit Connection(Fd fd) : stream(std::move(fd)) {}
  Stream stream;
  std::thread thread;
  std::atomic<bool> done{false};
};

std::string RecordedRequest::header(std::string_view name) const {
  const auto* value = emulator::find_header(headers, name);
  return value == nullptr ? "" : *value;
}

Reply never_answer() {
  return {.silent = true, .after = After::hang};
}
Reply drop_with(After after) {
  return {.silent = true, .after = after};
}
Reply redirect_to(std::string location, int status) {
  return {.status = status, .headers = {{"Location", std::move(location)}}};
}
Reply forwarded() {
  return {.status = 0, .forward = true};
}
Reply forwarded_but_answer_lost(After after) {
  return {.silent = true, .after = after, .forward = true};
}

FaultServer::FaultServer(FaultServerOptions options) : options_(std::move(options)) {
  if (options_.tls) tls_.emplace(*options_.tls);
  first_ = also_listen(options_.listen);
}

FaultServer::~FaultServer() {
  std::vector<std::thread> acceptors;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    for (auto& listener : listeners_) ::shutdown(listener.fd.get(), SHUT_RDWR);
    for (auto& connection : open_) connection->stream.interrupt();
    acceptors.swap(acceptors_);
  }
  for (auto& thread : acceptors) thread.join();
  std::list<std::unique_ptr<Connection>> open;
  {
    MutexLock lock(mutex_);
    open.swap(open_);
  }
  for (auto& connection : open) {
    connection->stream.interrupt();
    connection->thread.join();
  }
}

Address FaultServer::also_listen(Address address) {
  Fd fd = emulator::listen_on(address);
  address = emulator::local_address(fd);
  MutexLock lock(mutex_);
  listeners_.push_back({address, std::move(fd)});
  const Listener& listener = listeners_.back();
  acceptors_.emplace_back([this, &listener] { accept_loop(listener); });
  return address;
}

void FaultServer::accept_loop(const Listener& listener) {
  while (true) {
    Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (!fd) continue;
    for (auto it = open_.begin(); it != open_.end();) {
      if ((*it)->done) {
        (*it)->thread.join();
        it = open_.erase(it);
      } else {
        ++it;
      }
    }
    const std::size_t number = connections_++;
    Connection& connection = *open_.emplace_back(std::make_unique<Connection>(std::move(fd)));
    connection.thread = std::thread([this, &connection, number, host = listener.address] {
      // A broken TLS line raises SIGPIPE in the writing thread; the program's own handling is not ours to
      // change.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      Session(*this, connection.stream, host, number).run();
      connection.stream.interrupt();
      connection.done = true;
    });
    changed_.notify_all();
  }
}

void FaultServer::on(Match match, Action action) {
  MutexLock lock(mutex_);
  rules_.push_back(std::make_shared<Rule>(Rule{.match = std::move(match), .action = std::move(action)}));
}

void FaultServer::on(Match match, Reply reply) {
  MutexLock lock(mutex_);
  Rule rule{.match = std::move(match), .action = [reply](const RecordedRequest&) { return reply; }};
  rule.streams = reply.forward && !rule.match.early;
  rule.fixed = std::move(reply);
  rules_.push_back(std::make_shared<Rule>(std::move(rule)));
}

std::shared_ptr<FaultServer::Rule> FaultServer::rule_for(const RecordedRequest& request) {
  MutexLock lock(mutex_);
  std::shared_ptr<Rule> chosen;
  for (auto& rule : rules_) {
    const Match& match = rule->match;
    const bool fits = (match.method.empty() || match.method == request.method) &&
                      request.target.starts_with(match.path) &&
                      request.target.find(match.contains) != std::string::npos &&
                      (match.host.empty() || match.host == request.host.host);
    if (!fits) continue;
    ++rule->seen;
    if (chosen == nullptr && rule->seen >= match.from && rule->seen <= match.to) chosen = rule;
  }
  return chosen;
}

std::size_t FaultServer::record(const RecordedRequest& request) {
  MutexLock lock(mutex_);
  if (requests_.size() >= options_.records_kept) return SIZE_MAX;
  requests_.push_back(request);
  requests_.back().number = requests_.size() - 1;
  changed_.notify_all();
  return requests_.size() - 1;
}

void FaultServer::count_busy(int change) {
  MutexLock lock(mutex_);
  busy_ += change;
  most_busy_ = std::max(most_busy_, busy_);
}

void FaultServer::note_answer(std::size_t number, int status, std::uint64_t bytes) {
  MutexLock lock(mutex_);
  if (number >= requests_.size()) return;
  requests_[number].answered_status = status;
  requests_[number].answered_bytes = bytes;
  changed_.notify_all();
}

std::vector<RecordedRequest> FaultServer::requests(std::string_view method, std::string_view path) const {
  MutexLock lock(mutex_);
  std::vector<RecordedRequest> out;
  for (const auto& request : requests_) {
    if ((method.empty() || request.method == method) && request.target.starts_with(path))
      out.push_back(request);
  }
  return out;
}

int FaultServer::most_at_once() const {
  MutexLock lock(mutex_);
  return most_busy_;
}

bool FaultServer::wait_until(const std::function<bool()>& condition) const {
  const auto limit = steady_clock::now() + 10s;
  while (!condition()) {
    if (steady_clock::now() >= limit) return false;
    MutexLock lock(mutex_);
    // The condition may also depend on what no event of ours tells, so it is asked again after a while.
    changed_.wait_until(mutex_, steady_clock::now() + 5ms);
  }
  return true;
}

bool FaultServer::sleep_until(steady_clock::time_point until) const {
  MutexLock lock(mutex_);
  while (!stopping_ && steady_clock::now() < until) {
    changed_.wait_until(mutex_, std::min(until, steady_clock::now() + 1h));
  }
  return !stopping_;
}

bool FaultServer::wait_for(const Gate& gate) const {
  while (!gate.is_open()) {
    if (!sleep_until(steady_clock::now() + 2ms)) return false;
  }
  return true;
}

}  // namespace davit::test
