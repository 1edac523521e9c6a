#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "emulator/http_wire.h"
#include "emulator/socket.h"

namespace davit::emulator {

/// A request whose body is still on the wire.
struct Request {
  std::string method;
  std::string target;                                      ///< raw, as in the request line
  std::string path;                                        ///< the target up to the `?`, not decoded
  std::vector<std::pair<std::string, std::string>> query;  ///< percent-decoded, in order
  Headers headers;
  std::string authority;  ///< host:port it was sent to, as the client wrote it
  std::size_t connection = 0;
  std::uint64_t bytes_in = 0;  ///< body bytes read so far
  std::chrono::steady_clock::time_point arrived = {};

  /// Body bytes; 0 at the end. After that, body_complete says whether all of them came.
  std::function<std::size_t(char*, std::size_t)> read;
  std::function<bool()> body_complete;

  /// "" when absent.
  [[nodiscard]] std::string header(std::string_view name) const;
  /// The first query parameter of that name; null when there is none.
  [[nodiscard]] const std::string* parameter(std::string_view name) const;
};

/// An answer: a short body, or a stream of known length.
struct Response {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  std::uint64_t stream_length = 0;
  std::function<std::size_t(char*, std::size_t)> stream = {};  ///< used instead of `body` when set

  std::string operation = {};  ///< what an API was asked to do, for the log
  /// After so many body bytes the connection is reset; with 0 there is no answer at all.
  std::optional<std::uint64_t> cut_after = {};
};

/// What has gone out of an answer.
struct Tally {
  std::atomic<std::uint64_t> bytes_out{0};           ///< of the body; counted before they go
  std::function<void(std::uint64_t)> finished = {};  ///< called once after the last of them; may be empty
};

/// HTTP/1.1 on one loopback port, a thread per connection, connections kept alive. HEAD is answered with the
/// headers of the handler's answer. What a handler leaves unread of a body is read and dropped. The handler
/// runs on many threads at once. The destructor ends all connections.
class HttpServer {
 public:
  using Handler = std::function<Response(Request&)>;
  /// Called before the answer is sent, so that whoever has an answer finds it in the log: what was asked and
  /// what will be answered. The tally is shared with the log.
  using Logger = std::function<std::shared_ptr<Tally>(const Request&, const Response&)>;

  HttpServer(const Address& address, std::optional<TlsIdentity> tls, Handler handler, Logger logger);
  /// Over a socket that listens already (see listen_on), for handlers that must know its address first.
  HttpServer(Fd listener, std::optional<TlsIdentity> tls, Handler handler, Logger logger);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] const Address& address() const { return address_; }
  /// "http://127.0.0.1:41234"
  [[nodiscard]] std::string url() const { return (tls_ ? "https://" : "http://") + address_.to_string(); }

 private:
  struct Connection;

  void accept_loop();
  void serve(Connection& connection);
  bool exchange(Connection& connection, WireReader& reader);

  const Handler handler_;
  const Logger logger_;
  std::optional<TlsServerContext> tls_;
  Fd listener_;
  Address address_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
  std::size_t accepted_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::list<std::unique_ptr<Connection>> open_ DAVIT_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

/// "%2F" is "/"; what is not an escape stays.
std::string percent_decoded(std::string_view text);
std::string percent_encoded(std::string_view text);

}  // namespace davit::emulator
