#pragma once

#include <functional>
#include <memory>

#include "crypto/hasher.h"
#include "support/fault_server.h"

namespace davit::test {

struct FaultServer::Rule {
  Match match;
  Action action;
  bool streams = false;  ///< a fixed reply that forwards: the body need not be kept
  Reply fixed;
  std::size_t seen = 0;
};

/// Lets bytes pass at a steady rate.
class Pace {
 public:
  explicit Pace(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}
  /// When `bytes` more may have passed.
  std::chrono::steady_clock::time_point after(std::size_t bytes);

 private:
  std::uint64_t rate_;
  std::chrono::steady_clock::time_point free_at_{};
};

/// The conversation on one connection.
class FaultServer::Session {
 public:
  Session(FaultServer& server, Stream& stream, Address host, std::size_t number);
  void run();

 private:
  using Head = emulator::Head;
  using WireReader = emulator::WireReader;
  using NextBytes = std::function<std::size_t(char*, std::size_t)>;
  struct Answer {
    int status = 0;
    Headers headers;
    Framing framing = Framing::length;
    std::string content_length;
    NextBytes next;
  };

  /// Counts a request as in hand while it exists.
  class InHand {
   public:
    explicit InHand(FaultServer& server) : server_(server) { server_.count_busy(1); }
    ~InHand() { server_.count_busy(-1); }
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;

   private:
    FaultServer& server_;
  };

  bool exchange();
  bool read_body(RecordedRequest& request, std::uint64_t limit, std::string* everything);
  std::size_t hashed(RecordedRequest& request, char* into, std::size_t size);
  void finish_record(RecordedRequest& request);
  bool act(RecordedRequest& request, const Reply& reply, const Head& head, NextBytes body);
  bool answer_directly(const RecordedRequest& request, const Reply& reply);
  bool forward(RecordedRequest& request, const Reply& reply, const Head& head, const NextBytes& body);
  bool send_upstream(const Head& head, const NextBytes& body);
  bool send(const RecordedRequest& request, const Reply& how, const Answer& answer);
  bool end(After after);
  bool pass(Pace& pace, std::size_t bytes);

  FaultServer& server_;
  Stream& stream_;
  const Address host_;
  const std::size_t number_;
  WireReader reader_;
  Pace incoming_;
  Pace outgoing_;
  std::unique_ptr<Stream> upstream_;
  std::unique_ptr<WireReader> upstream_reader_;
  std::optional<crypto::Hasher> hasher_;
  bool recorded_ = false;
};

}  // namespace davit::test
