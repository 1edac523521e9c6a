#include "net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <csignal>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::net {
namespace {

constexpr std::chrono::seconds kLifetime{60};
constexpr std::size_t kMostEntries = 256;

Result<std::vector<std::string>> system_lookup(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (code != 0) {
    Error error = make_error(Errc::unavailable, "resolve " + escaped(host) + ": " + ::gai_strerror(code));
    error.retryable = code == EAI_AGAIN;
    return error;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      addresses.emplace_back(text);
  }
  return addresses;
}

bool is_address(const std::string& host) {
  unsigned char buffer[16];
  return ::inet_pton(AF_INET, host.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, host.c_str(), buffer) == 1;
}

/// What the asking and the answering thread share.
struct Answer {
  Mutex mutex;
  CondVar changed;
  std::optional<Result<std::vector<std::string>>> result DAVIT_GUARDED_BY(mutex);
};

}  // namespace

Resolver::Resolver(Lookup lookup) : lookup_(lookup ? std::move(lookup) : system_lookup) {}

Result<std::vector<std::string>> Resolver::resolve(const std::string& host, std::chrono::milliseconds limit,
                                                   const CallContext& context) {
  if (is_address(host)) return std::vector<std::string>{host};
  {
    MutexLock lock(mutex_);
    const auto known = cache_.find(host);
    if (known != cache_.end() && known->second.expiry > std::chrono::steady_clock::now())
      return known->second.addresses;
  }
  const auto answer =
      std::make_shared<Answer>();  // co-owned by the thread below, which may outlive this call
  try {
    std::thread([answer, host, lookup = lookup_] {
      sigset_t all;
      sigfillset(&all);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // the host program's signals are not for this thread
      auto result = lookup(host);
      MutexLock lock(answer->mutex);
      answer->result = std::move(result);
      answer->changed.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return make_error(Errc::local_io, "resolve " + escaped(host) + ": no thread to be had");
  }
  auto until = std::chrono::steady_clock::now() + limit;
  if (context.deadline && *context.deadline < until) until = *context.deadline;
  std::stop_callback wake(context.stop, [&] {
    MutexLock lock(answer->mutex);
    answer->changed.notify_all();
  });
  std::optional<Result<std::vector<std::string>>> result;
  {
    MutexLock lock(answer->mutex);
    while (!answer->result && !context.stop.stop_requested() &&
           answer->changed.wait_until(answer->mutex, until)) {
    }
    result = answer->result;
  }
  if (!result) {
    if (auto alive = check(context); !alive) return alive.error();
    Error error = make_error(Errc::timeout, "resolve " + escaped(host) + ": no answer within " +
                                                std::to_string(limit.count() / 1000) + " s");
    error.retryable = true;
    return error;
  }
  if (*result && (*result)->empty())
    return make_error(Errc::unavailable, "resolve " + escaped(host) + ": no address");
  if (*result) {
    MutexLock lock(mutex_);
    if (cache_.size() >= kMostEntries) cache_.clear();
    cache_[host] = {**result, std::chrono::steady_clock::now() + kLifetime};
  }
  return *result;
}

}  // namespace davit::net
