#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "aws/identity.h"
#include "base/error.h"
#include "base/mutex.h"
#include "net/http.h"

/// Answers from a script instead of a network, and remembers the requests.
class FakeTransport final : public davit::net::Transport {
 public:
  using Handler = std::function<davit::Result<davit::net::Response>(const davit::net::Request&)>;
  explicit FakeTransport(Handler handler) : handler_(std::move(handler)) {}

  davit::Result<davit::net::Response> exchange(const davit::net::Request& request,
                                               const davit::CallContext&) override {
    {
      davit::MutexLock lock(mutex_);
      seen_.push_back(request);
    }
    return handler_(request);
  }
  davit::Result<std::unique_ptr<davit::net::Download>> open(const davit::net::Request&,
                                                            const davit::CallContext&) override {
    return davit::make_error(davit::Errc::internal, "not used here");
  }
  void set_tls(const std::string&, davit::net::TlsOptions) override {}

  [[nodiscard]] std::vector<davit::net::Request> seen() const {
    davit::MutexLock lock(mutex_);
    return seen_;
  }

 private:
  const Handler handler_;
  mutable davit::Mutex mutex_;
  std::vector<davit::net::Request> seen_ DAVIT_GUARDED_BY(mutex_);
};

inline std::string header(const davit::net::Request& request, std::string_view name) {
  for (const auto& field : request.headers) {
    if (field.name == name) return field.value;
  }
  return {};
}

inline davit::net::Response answer(int status, std::string body = {},
                                   const std::vector<davit::net::Header>& headers = {}) {
  davit::net::Response response{
      .status = status, .headers = {}, .body = std::move(body), .peer = "192.0.2.1"};
  for (const auto& field : headers) response.headers.add(field.name, field.value);
  return response;
}

inline davit::Error unreachable() {
  davit::Error error = davit::make_error(davit::Errc::unavailable, "connect: refused");
  error.retryable = true;
  return error;
}
