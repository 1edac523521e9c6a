#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <curl/curl.h>

#include "net/handle_pool.h"
#include "net/http.h"
#include "net/rate_limit.h"
#include "net/resolver.h"

namespace davit::crypto {
class TrustStore;
}

namespace davit::net {

/// What all exchanges of a transport share. Everything in it is thread-safe or constant.
struct Shared {
  const NetOptions& options;
  CURLSH* share;
  Resolver& resolver;
  HandlePool& pool;
  RateLimit& sending;
  RateLimit& receiving;
};

/// What one exchange needs to know about its TLS; null members for plain http.
struct Tls {
  const crypto::TrustStore* trust = nullptr;
  TlsOptions options = {};
};

/// One request and its answer, driven by whoever calls start() and read(). libcurl calls back into it: those
/// functions neither block nor throw. One thread at a time.
class Exchange {
 public:
  Exchange(const Shared& shared, const Request& request, Tls tls, CallContext context);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Sends and waits until the answer's headers are here.
  Result<> start();
  /// Some bytes of the body; 0 at its end. A body that was still being sent goes on meanwhile.
  Result<std::size_t> read(std::span<std::byte> into);

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const Headers& headers() const { return headers_; }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  class Waker;

  Result<> prepare();
  void set_body();
  template <class Done>
  Result<> run_until(Done done);
  Result<> turn();
  Result<> wait();
  Result<> finish(CURLcode code);
  [[nodiscard]] std::uint64_t moved() const;

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_send(char* into, std::size_t size, std::size_t count, void* self) noexcept;
  static int on_seek(void* self, curl_off_t offset, int origin) noexcept;
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;
  static CURLcode on_tls(CURL* easy, void* context, void* self) noexcept;
  bool take_header(std::string_view line);
  std::size_t take_body(std::span<const std::byte> bytes);
  std::size_t give(std::span<std::byte> into);

  Shared shared_;
  const Request* request_;  // until the answer is complete
  Url url_;
  Tls tls_;
  CallContext context_;
  bool proxied_ = false;

  std::unique_ptr<Handle> handle_;
  bool attached_ = false;
  bool reusable_ = false;         // the exchange ended well: the connection may serve another
  std::shared_ptr<Waker> waker_;  // co-owned by sources that have not called their `wake` yet
  std::optional<std::stop_callback<std::function<void()>>> stop_;
  curl_slist* header_list_ = nullptr;
  curl_slist* resolve_list_ = nullptr;
  char curl_text_[CURL_ERROR_SIZE] = {};

  // The request's body.
  bool has_body_ = false;
  bool paused_ = false;  // the source has nothing to give yet
  bool body_out_ = false;
  std::uint64_t given_ = 0;

  // The answer.
  int status_ = 0;
  Headers headers_;
  std::string peer_;
  std::uint64_t header_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool headers_done_ = false;
  bool finished_ = false;
  std::span<std::byte> target_;  // where read() wants bytes
  std::size_t filled_ = 0;
  std::vector<std::byte> spill_;  // what came beyond it
  std::size_t spill_begin_ = 0;
  bool receive_paused_ = false;

  std::optional<Error> failure_;  // what a callback found wrong
  std::chrono::steady_clock::duration idle_{};
};

}  // namespace davit::net
