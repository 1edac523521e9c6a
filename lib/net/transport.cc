#include <curl/curl.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/mutex.h"
#include "base/try.h"
#include "crypto/trust_store.h"
#include "net/exchange.h"

namespace davit::net {
namespace {

/// libcurl's own count of its users.
class CurlLibrary {
 public:
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~CurlLibrary() { curl_global_cleanup(); }
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
};

/// TLS sessions, shared by all handles.
class Share {
 public:
  Share() : handle(curl_share_init()) {
    curl_share_setopt(handle, CURLSHOPT_LOCKFUNC, &Share::lock);
    curl_share_setopt(handle, CURLSHOPT_UNLOCKFUNC, &Share::unlock);
    curl_share_setopt(handle, CURLSHOPT_USERDATA, this);
    curl_share_setopt(handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  ~Share() { curl_share_cleanup(handle); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  CURLSH* const handle;

 private:
  static void lock(CURL*, curl_lock_data data, curl_lock_access, void* self) {
    static_cast<Share*>(self)->mutexes_[data].lock();
  }
  static void unlock(CURL*, curl_lock_data data, void* self) {
    static_cast<Share*>(self)->mutexes_[data].unlock();
  }
  std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes_;  // locked and unlocked by libcurl, in its own order
};

class StreamedDownload final : public Download {
 public:
  explicit StreamedDownload(std::unique_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  Result<std::size_t> read(std::span<std::byte> into) override { return exchange_->read(into); }
  int status() const override { return exchange_->status(); }
  const Headers& headers() const override { return exchange_->headers(); }
  const std::string& peer() const override { return exchange_->peer(); }

 private:
  std::unique_ptr<Exchange> exchange_;
};

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(NetOptions options)
      : options_(std::move(options)),
        resolver_(options_.resolver),
        sending_(options_.limit_rate),
        receiving_(options_.limit_rate),
        pool_(options_.idle_connections) {}

  Result<Response> exchange(const Request& request, const CallContext& context) override {
    ++requests_;
    DAVIT_TRY(auto tls, tls_for(request.url));
    Exchange exchange(shared(), request, std::move(tls), context);
    DAVIT_TRY_VOID(exchange.start());
    Response response{
        .status = exchange.status(), .headers = exchange.headers(), .body = {}, .peer = exchange.peer()};
    std::array<std::byte, 16384> block;
    while (true) {
      DAVIT_TRY(const std::size_t count, exchange.read(block));
      if (count == 0) return response;
      if (response.body.size() + count > request.answer_limit) {
        return make_error(Errc::protocol, request.url.host_port() + ": an answer of more than " +
                                              std::to_string(request.answer_limit) + " bytes");
      }
      response.body.append(reinterpret_cast<const char*>(block.data()), count);
    }
  }

  Result<std::unique_ptr<Download>> open(const Request& request, const CallContext& context) override {
    ++requests_;
    DAVIT_TRY(auto tls, tls_for(request.url));
    auto exchange = std::make_unique<Exchange>(shared(), request, std::move(tls), context);
    DAVIT_TRY_VOID(exchange->start());
    return std::unique_ptr<Download>(std::make_unique<StreamedDownload>(std::move(exchange)));
  }

  [[nodiscard]] std::uint64_t requests() const override { return requests_; }

  void set_tls(const std::string& host_port, TlsOptions tls) override {
    MutexLock lock(mutex_);
    host_tls_[host_port] = std::move(tls);
  }

 private:
  Shared shared() { return {options_, share_.handle, resolver_, pool_, sending_, receiving_}; }

  Result<Tls> tls_for(const Url& url) DAVIT_EXCLUDES(mutex_) {
    if (!url.secure()) return Tls{};
    MutexLock lock(mutex_);
    const auto own = host_tls_.find(url.host_port());
    Tls tls;
    if (own == host_tls_.end())
      tls.options.ca_files = options_.ca_files;
    else
      tls.options = own->second;
    auto& store = stores_[tls.options.ca_files];
    if (!store) {
      const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
      const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
      const bool replaced = !options_.system_ca_file.empty() || !options_.system_ca_directory.empty();
      DAVIT_TRY(store, crypto::TrustStore::load(replaced ? options_.system_ca_file : text(built->cainfo),
                                                replaced ? options_.system_ca_directory : text(built->capath),
                                                tls.options.ca_files));
    }
    tls.trust = store.get();
    return tls;
  }

  const CurlLibrary library_;  // before everything that calls libcurl
  const NetOptions options_;
  Share share_;
  Resolver resolver_;
  Mutex mutex_;
  std::map<std::string, TlsOptions> host_tls_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::vector<std::string>, std::unique_ptr<crypto::TrustStore>> stores_
      DAVIT_GUARDED_BY(mutex_);  // by the files beyond the system's
  RateLimit sending_, receiving_;
  std::atomic<std::uint64_t> requests_ = 0;
  HandlePool pool_;  // last: its handles use all of the above
};

}  // namespace

std::unique_ptr<Transport> make_transport(NetOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace davit::net
