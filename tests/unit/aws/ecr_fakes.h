#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "aws/ecr_api.h"
#include "base/error.h"
#include "base/mutex.h"
#include "crypto/base64.h"

/// Somebody with keys that are always good.
class FakeIdentity final : public davit::aws::Identity {
 public:
  davit::Result<davit::aws::Credentials> credentials(const davit::CallContext&) override {
    return davit::aws::Credentials{
        .keys = {.id = "AKIDEXAMPLE", .secret = davit::Secret("s"), .session_token = {}},
        .expires = {},
        .account = "123456789012",
        .source = "test"};
  }
  void expired(const davit::aws::Keys&) override {}
  davit::Result<std::string> region(const davit::CallContext&) override { return std::string("eu-west-1"); }
  davit::Result<davit::aws::Endpoint> endpoint(davit::aws::Service service, const std::string& region,
                                               const davit::aws::EndpointForm& form) override {
    return davit::aws::aws_endpoint(service, region, form);
  }
};

/// Answers calls from a script and remembers them. Thread-safe where the script is.
class FakeApi final : public davit::aws::Api {
 public:
  using Handler = std::function<davit::Result<davit::net::Response>(const davit::aws::ApiCall&)>;
  explicit FakeApi(Handler handler) : handler_(std::move(handler)) {}

  davit::Result<davit::aws::ApiAnswer> send(const davit::aws::ApiCall& call,
                                            const davit::CallContext&) override {
    {
      davit::MutexLock lock(mutex_);
      calls_.push_back(call);
    }
    auto answer = handler_(call);
    if (!answer) return answer.error();
    return davit::aws::ApiAnswer{*std::move(answer), 1, may_be_done};
  }

  bool may_be_done = false;  ///< of every answer

  [[nodiscard]] std::vector<davit::aws::ApiCall> calls() const {
    davit::MutexLock lock(mutex_);
    return calls_;
  }

 private:
  const Handler handler_;
  mutable davit::Mutex mutex_;
  std::vector<davit::aws::ApiCall> calls_ DAVIT_GUARDED_BY(mutex_);
};

inline davit::net::Response says(int status, std::string body) {
  return {.status = status, .headers = {}, .body = std::move(body), .peer = "192.0.2.1"};
}

inline davit::net::Response refuses(const std::string& code, const std::string& message, int status = 400) {
  return says(status, R"({"__type":")" + code + R"(","message":")" + message + R"("})");
}

inline std::string token_text(const std::string& password) {
  return davit::crypto::base64_encode("AWS:" + password);
}

/// A GetAuthorizationToken answer; `ends` in seconds since 1970.
inline davit::net::Response grants(
    const std::string& password, double ends,
    const std::string& endpoint = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com") {
  return says(200, R"({"authorizationData":[{"authorizationToken":")" + token_text(password) +
                       R"(","expiresAt":)" + std::to_string(ends) + R"(,"proxyEndpoint":")" + endpoint +
                       R"("}]})");
}

inline davit::aws::EcrSite site(const std::string& region = "eu-west-1",
                                const std::string& account = "123456789012") {
  return {.host = {.account = account, .region = region}};
}

inline davit::aws::EcrSite public_site() {
  return {.host = {.account = {}, .region = "us-east-1", .form = {}, .is_public = true}};
}
