#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "emulator/http_wire.h"
#include "emulator/socket.h"
#include "support/test_ca.h"

namespace davit::test {

using emulator::Address;
using emulator::Fd;
using emulator::Framing;
using emulator::Header;
using emulator::Headers;
using emulator::Stream;
using emulator::TlsIdentity;
using emulator::TlsServerContext;

/// A request as it came over the wire, and what became of it.
struct RecordedRequest {
  std::size_t number = 0;      ///< order of arrival at this server, from 0
  std::size_t connection = 0;  ///< order of accept, from 0
  Address host;                ///< the listener that took it
  std::string method;
  std::string target;  ///< raw, as in the request line
  std::string version;
  std::string head;  ///< request line and headers, byte for byte
  Headers headers;
  std::string body;  ///< decoded; the first `FaultServerOptions::body_kept` bytes
  std::uint64_t body_size = 0;
  std::string body_sha256;     ///< hex; of all of it
  bool body_complete = false;  ///< false also when an early answer came first

  int answered_status = 0;           ///< 0 while there is no answer
  std::uint64_t answered_bytes = 0;  ///< body bytes that were sent

  /// "" when absent.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const {
    return emulator::find_header(headers, name) != nullptr;
  }
};

/// "Wait until told": a Reply that names a gate is held back until it opens.
class Gate {
 public:
  void open() { open_ = true; }
  [[nodiscard]] bool is_open() const { return open_; }

 private:
  std::atomic<bool> open_{false};
};

/// What happens to the connection after a reply.
enum class After {
  keep,    ///< the next request may come
  finish,  ///< closed politely: FIN, then reading what the client still sends
  cut,     ///< closed by FIN, whatever was missing
  reset,   ///< closed by RST
  hang,    ///< stays open and silent until the server stops
};

/// An answer. The plain one is a status with a body; every other field is a way to misbehave.
struct Reply {
  int status = 200;
  Headers headers = {};
  std::string body = {};

  std::vector<int> interim = {};                   ///< 1xx answers sent first
  std::chrono::milliseconds delay{0};              ///< before the first byte
  std::shared_ptr<Gate> gate = {};                 ///< before the first byte, too; shared with the test
  std::uint64_t bytes_per_second = 0;              ///< of the body; 0: unlimited
  Framing framing = Framing::length;               ///< none: no length and no body; until_close: HTTP/1.0
  std::optional<std::string> content_length = {};  ///< the lie
  std::optional<std::uint64_t> cut_at =
      {};               ///< only so many body bytes are sent, then `after` (keep acts as cut)
  bool silent = false;  ///< nothing is sent at all, then `after`
  After after = After::keep;

  /// Proxy only: ask the upstream first. Then `status` 0 and an empty `body` mean the upstream's own,
  /// `headers` replace those of the same name (an empty value removes one), and the rest applies to the
  /// upstream's answer. With `silent`, the upstream has acted but nobody hears of it.
  bool forward = false;
};

/// The usual misdeeds by name.
Reply never_answer();
Reply drop_with(After after);
Reply redirect_to(std::string location, int status = 307);
Reply forwarded();
Reply forwarded_but_answer_lost(After after = After::cut);

/// Decides on a request; runs on the connection's thread, so shared state needs its own lock.
using Action = std::function<Reply(const RecordedRequest&)>;

/// Which requests a rule is for. Empty fields match everything.
struct Match {
  std::string method = {};
  std::string path = {};      ///< the raw target begins with it
  std::string contains = {};  ///< the raw target contains it
  std::string host = {};      ///< the listener's address ("127.0.0.2")
  /// Of the requests that fit the fields above, counted from 1: only those from `from` to `to`.
  std::size_t from = 1;
  std::size_t to = SIZE_MAX;
  /// Act when this many body bytes have arrived instead of waiting for all of them. The rest is read only
  /// after the answer, and only if the reply says keep or finish.
  std::optional<std::uint64_t> early = {};
};

struct FaultServerOptions {
  Address listen = {};
  std::optional<TlsIdentity> tls = {};
  std::optional<Address> upstream = {};     ///< proxy mode: what no rule answers is forwarded there
  std::chrono::milliseconds round_trip{0};  ///< added to every connection and to every exchange
  std::uint64_t bytes_per_second = 0;       ///< of bodies, per connection and direction; 0: unlimited
  std::size_t body_kept = 1u << 20;
  std::size_t records_kept = 100'000;  ///< later requests are served without a record
  bool answer_expect = true;           ///< send 100 to "Expect: 100-continue"
};

/// A scriptable HTTP server on raw sockets, for what no HTTP library would do. Without a rule it answers 404,
/// or forwards when it has an upstream. One thread per connection. Thread-safe; the destructor ends all
/// connections.
///
///   FaultServer server;
///   server.on({.method = "PUT", .path = "/v2/app/manifests/", .to = 2}, Reply{.status = 503});
///   ...
///   CHECK(server.requests("PUT").size() == 3);
class FaultServer {
 public:
  explicit FaultServer(FaultServerOptions options = {});
  ~FaultServer();
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  /// Where it listens: "127.0.0.1:41234".
  [[nodiscard]] Address address() const { return first_; }
  [[nodiscard]] std::string authority() const { return address().to_string(); }
  /// Listens on a further loopback address, which clients take for another host.
  Address also_listen(Address address);

  /// Rules are asked in the order they were added; the first that matches answers.
  void on(Match match, Action action);
  void on(Match match, Reply reply);

  /// What came so far, in order of arrival; with a method or path prefix, only those. A request is recorded
  /// when its rule is asked, or when its connection broke before that.
  [[nodiscard]] std::vector<RecordedRequest> requests(std::string_view method = {},
                                                      std::string_view path = {}) const;
  /// False when `condition` did not come true within ten seconds. It is asked again after every event.
  bool wait_until(const std::function<bool()>& condition) const;
  [[nodiscard]] std::size_t connections() const { return connections_; }
  /// The most requests that were in hand at the same time.
  [[nodiscard]] int most_at_once() const;

 private:
  struct Rule;
  struct Connection;
  class Session;
  struct Listener {
    Address address;
    Fd fd;
  };

  void accept_loop(const Listener& listener);
  std::shared_ptr<Rule> rule_for(const RecordedRequest& request);
  std::size_t record(const RecordedRequest& request);
  void count_busy(int change);
  void note_answer(std::size_t number, int status, std::uint64_t bytes);
  /// False when the server stops meanwhile.
  bool sleep_until(std::chrono::steady_clock::time_point until) const;
  bool wait_for(const Gate& gate) const;

  const FaultServerOptions options_;
  std::optional<TlsServerContext> tls_;
  Address first_;
  std::atomic<std::size_t> connections_{0};

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
  int busy_ DAVIT_GUARDED_BY(mutex_) = 0;
  int most_busy_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::vector<std::shared_ptr<Rule>> rules_ DAVIT_GUARDED_BY(mutex_);  // co-owned by requests in flight
  std::deque<RecordedRequest> requests_ DAVIT_GUARDED_BY(mutex_);
  std::list<std::unique_ptr<Connection>> open_ DAVIT_GUARDED_BY(mutex_);
  std::list<Listener> listeners_ DAVIT_GUARDED_BY(mutex_);
  std::vector<std::thread> acceptors_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::test
