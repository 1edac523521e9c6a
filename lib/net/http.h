#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/call_context.h>
#include <davit/content.h>

#include "base/log.h"
#include "net/url.h"

namespace davit::net {

struct Header {
  std::string name;
  std::string value;
};

/// Header fields in the order they came. Names compare without case; repeated ones are kept.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  void clear() { fields_.clear(); }
  /// The first value; empty when absent.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;

 private:
  std::vector<Header> fields_;
};

/// Which addresses a request may connect to. It looks at the address really used, whatever name led there.
enum class Peers {
  any,     ///< the host the user named
  remote,  ///< a host a server named: not loopback, link-local, unspecified, multicast or a metadata service
  remote_or_loopback  ///< as remote, for a hop without credentials from a registry that is itself on loopback
};

/// How patient to be once the whole request is out.
enum class Patience {
  answer,  ///< an answer is expected soon
  commit   ///< the server may have to hash or move gigabytes first
};

/// One exchange. The caller fills it; it must outlive the call.
struct Request {
  std::string method = "GET";
  Url url;
  /// Sent as given. May hold credentials: never logged, never put into an error. Values must be free of
  /// control bytes.
  std::vector<Header> headers;
  /// The body: these bytes, or, when set, what `source` gives, with a Content-Length when `source_size` is
  /// known and chunked otherwise. A source that fails breaks the connection off and its error is what the
  /// exchange returns.
  std::string body;
  ByteSource* source = nullptr;
  std::optional<std::uint64_t> source_size;
  /// The most bytes of an answer's body that exchange() takes; more is Errc::protocol.
  std::uint64_t answer_limit = 1u << 20;
  Patience patience = Patience::answer;
  Peers peers = Peers::any;
};

/// Any status is a success of the transport.
struct Response {
  int status = 0;
  Headers headers;
  std::string body;
  std::string peer;  ///< the address that answered, without the port; the proxy's when one was used
};

/// An answer whose headers are here and whose body is still to be read. A body that ends early is a retryable
/// `unavailable` error from read(). Destroying it before the end drops the connection.
/// One thread at a time, any thread.
class Download : public ByteSource {
 public:
  [[nodiscard]] virtual int status() const = 0;
  [[nodiscard]] virtual const Headers& headers() const = 0;
  [[nodiscard]] virtual const std::string& peer() const = 0;
};

/// TLS for one host:port; never inherited by another host.
struct TlsOptions {
  std::vector<std::string> ca_files;  ///< PEM files, or PEM texts, trusted besides the system's
  std::string cert_file;              ///< PEM client certificate
  std::string key_file;
  bool verify = true;  ///< false accepts any certificate
};

/// HTTP/1.1 exchanges. Each is driven by the calling thread, on a connection taken from a pool. Redirects,
/// cookies, compression and authentication are not its business. Thread-safe.
///
/// Errors: cancelled, timeout (deadline; stalled, then retryable), denied (a refused address), protocol (not
/// HTTP, too long), unavailable (everything else on the way: retryable unless trying again cannot help, as
/// with certificates and unknown names), or what the request's source returned.
class Transport {
 public:
  virtual ~Transport() = default;
  /// The whole answer in memory.
  virtual Result<Response> exchange(const Request& request, const CallContext& context) = 0;
  /// The answer's headers; the body is streamed. `context` stays in force until the download is destroyed.
  /// REQUIRES: the transport outlives the download, and so does a request with a body, which may still be on
  /// its way.
  virtual Result<std::unique_ptr<Download>> open(const Request& request, const CallContext& context) = 0;
  /// How to do TLS with one host:port from now on; no other host inherits it.
  virtual void set_tls(const std::string& host_port, TlsOptions tls) = 0;
  /// How many have begun, to all hosts together.
  [[nodiscard]] virtual std::uint64_t requests() const { return 0; }
};

/// Where to find proxies, in the form of the environment variables of the same names (which are not read
/// here).
struct ProxyOptions {
  std::string http;
  std::string https;
  std::string all;
  std::string
      none;  ///< NO_PROXY: names, .suffixes, addresses and CIDR blocks, separated by commas; * for all
};

struct NetOptions {
  std::string user_agent = "davit";
  ProxyOptions proxy = {};
  std::vector<std::string> ca_files =
      {};                           ///< PEM, trusted besides the system's for hosts without a set_tls()
  std::string system_ca_file = {};  ///< with the next one: instead of the authorities libcurl was built with
  std::string system_ca_directory = {};  ///< hashed as OpenSSL does
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds stall_timeout{30'000};    ///< without a byte moving while we wait on the socket
  std::chrono::milliseconds answer_timeout{60'000};   ///< from the end of the request to the answer's headers
  std::chrono::milliseconds commit_timeout{900'000};  ///< the same for Patience::commit
  std::uint64_t limit_rate = 0;  ///< bytes per second and direction, all exchanges together; 0: none
  std::size_t idle_connections = 64;
  /// Instead of the system's resolver: addresses for a host. Errors as it pleases (tests).
  std::function<Result<std::vector<std::string>>(const std::string& host)> resolver = {};
  Log log = {};
};

/// The transport over libcurl. Opens no file and reads no CA store before the first https request.
std::unique_ptr<Transport> make_transport(NetOptions options);

}  // namespace davit::net
