#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "registry/repository.h"
#include "support/fake_clock.h"

namespace davit::test {

/// A request as the transport was given it.
struct Sent {
  std::string method;
  std::string path;  ///< with the query
  net::Url url;
  std::map<std::string, std::string> headers;
  std::string body;
  bool sized = false;  ///< the body came with a length
  net::Peers peers = net::Peers::any;
  net::Patience patience = net::Patience::answer;
};

struct Scripted {
  int status = 200;
  std::vector<net::Header> headers = {};
  std::string body = {};
  std::optional<std::size_t> cut = {};  ///< the connection breaks after this many body bytes
  bool lost = false;                    ///< no answer at all: the connection is cut
  bool unreachable = false;             ///< there is no connection
  std::string peer = "10.0.0.1";
  std::optional<std::size_t> takes = {};  ///< answers after reading this much of the request's body
};

/// Answers from a script, in memory. One thread at a time.
class ScriptedTransport final : public net::Transport {
 public:
  using Handler = std::function<Scripted(const Sent&)>;
  explicit ScriptedTransport(Handler handler) : handler_(std::move(handler)) {}

  Result<net::Response> exchange(const net::Request&, const CallContext&) override {
    return make_error(Errc::internal, "the registry room streams everything");
  }

  Result<std::unique_ptr<net::Download>> open(const net::Request& request, const CallContext&) override {
    Sent now{.method = request.method,
             .path = request.url.path() + (request.url.query().empty() ? "" : "?" + request.url.query()),
             .url = request.url,
             .headers = {},
             .body = request.body,
             .sized = request.source_size.has_value(),
             .peers = request.peers,
             .patience = request.patience};
    for (const auto& header : request.headers) now.headers[header.name] += header.value;
    if (request.source != nullptr) {
      std::array<std::byte, 1000> block;
      const std::uint64_t most = request.source_size.value_or(UINT64_MAX);
      while (now.body.size() < most) {
        DAVIT_TRY(const std::size_t count,
                  request.source->read(std::span(block).first(static_cast<std::size_t>(
                      std::min<std::uint64_t>(block.size(), most - now.body.size())))));
        if (count == 0) break;
        now.body.append(reinterpret_cast<const char*>(block.data()), count);
      }
      if (request.source_size && now.body.size() != most)
        return make_error(Errc::corrupt, "the content ended early");
    }
    sent.push_back(now);
    Scripted answer = handler_(sent.back());
    if (answer.lost || answer.unreachable) {
      Error error = make_error(Errc::unavailable, answer.lost ? "connection reset" : "connection refused");
      error.retryable = true;
      if (answer.lost) error.http = HttpFacts{.url = request.url.redacted()};
      return error;
    }
    if (now.method == "HEAD") answer.body.clear();
    return std::unique_ptr<net::Download>(std::make_unique<Answer>(std::move(answer)));
  }

  void set_tls(const std::string&, net::TlsOptions) override {}

  [[nodiscard]] std::size_t count(std::string_view method) const {
    return static_cast<std::size_t>(std::ranges::count(sent, method, &Sent::method));
  }

  std::vector<Sent> sent;

 private:
  class Answer final : public net::Download {
   public:
    explicit Answer(Scripted scripted) : scripted_(std::move(scripted)) {
      for (const auto& header : scripted_.headers) headers_.add(header.name, header.value);
    }
    int status() const override { return scripted_.status; }
    const net::Headers& headers() const override { return headers_; }
    const std::string& peer() const override { return scripted_.peer; }
    Result<std::size_t> read(std::span<std::byte> into) override {
      const std::size_t end = std::min(scripted_.cut.value_or(SIZE_MAX), scripted_.body.size());
      const std::size_t count = std::min({into.size(), end - position_, std::size_t{700}});
      std::memcpy(into.data(), scripted_.body.data() + position_, count);
      position_ += count;
      if (count == 0 && scripted_.cut) {
        Error error = make_error(Errc::unavailable, "connection reset");
        error.retryable = true;
        return error;
      }
      return count;
    }

   private:
    Scripted scripted_;
    net::Headers headers_;
    std::size_t position_ = 0;
  };

  Handler handler_;
};

/// Bytes in memory, whose digest may become known only once they have been read.
class Bytes final : public Content {
 public:
  explicit Bytes(std::string bytes, bool known = true) : bytes_(std::move(bytes)), known_(known) {}

  Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset, const CallContext&) const override {
    ++opened;
    return std::unique_ptr<ByteSource>(std::make_unique<Reader>(*this, static_cast<std::size_t>(offset)));
  }
  std::optional<Descriptor> descriptor() const override {
    if (!known_) return {};
    return Descriptor{.media_type = "application/octet-stream",
                      .digest = digest(),
                      .size = bytes_.size(),
                      .urls = {},
                      .annotations = {},
                      .platform = {},
                      .artifact_type = {}};
  }
  [[nodiscard]] Digest digest() const { return Digest::of(bytes_); }

  mutable int opened = 0;
  std::optional<std::size_t> fails_at;

 private:
  class Reader final : public ByteSource {
   public:
    Reader(const Bytes& bytes, std::size_t position) : bytes_(bytes), position_(position) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (bytes_.fails_at && position_ >= *bytes_.fails_at)
        return make_error(Errc::local_io, "read app.tar: it broke");
      const std::size_t count = std::min(into.size(), bytes_.bytes_.size() - position_);
      std::memcpy(into.data(), bytes_.bytes_.data() + position_, count);
      position_ += count;
      if (count == 0) bytes_.known_ = true;
      return count;
    }

   private:
    const Bytes& bytes_;
    std::size_t position_;
  };

  const std::string bytes_;
  mutable bool known_;
};

/// A repository "app" of https://r.example over a scripted transport.
struct Scene {
  explicit Scene(ScriptedTransport::Handler handler,
                 registry::RegistryOptions options = {.host = "r.example"},
                 auth::Authorizer* authorizer = nullptr)
      : transport(std::move(handler)),
        registry(registry::Registry::create(std::move(options), transport, authorizer, clock, {}).value()),
        repository(registry->repository("app", Side::destination)) {}

  FakeClock clock;
  ScriptedTransport transport;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<registry::Repository> repository;
};

inline std::string blob_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * 7919 % 26);
  return bytes;
}

inline std::string errors(const std::string& code, const std::string& message = "text") {
  return R"({"errors":[{"code":")" + code + R"(","message":")" + message + R"("}]})";
}

}  // namespace davit::test
