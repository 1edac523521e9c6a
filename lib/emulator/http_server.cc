#include "emulator/http_server.h"

#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <utility>

namespace davit::emulator {
namespace {

constexpr std::size_t kReadBlock = 64u << 10;

Request parse(const Head& head) {
  Request request;
  const auto first = head.start_line.find(' ');
  const auto last = head.start_line.rfind(' ');
  if (first == std::string::npos || first == last) return request;
  request.method = head.start_line.substr(0, first);
  request.target = head.start_line.substr(first + 1, last - first - 1);
  request.headers = head.headers;
  request.authority = request.header("Host");
  const auto question = request.target.find('?');
  request.path = request.target.substr(0, question);
  std::string_view rest =
      question == std::string::npos ? "" : std::string_view(request.target).substr(question + 1);
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const auto equals = part.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    request.query.emplace_back(percent_decoded(part.substr(0, equals)), percent_decoded(value));
  }
  return request;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

std::string Request::header(std::string_view name) const {
  const auto* value = find_header(headers, name);
  return value == nullptr ? "" : *value;
}

const std::string* Request::parameter(std::string_view name) const {
  const auto found =
      std::find_if(query.begin(), query.end(), [&](const auto& one) { return one.first == name; });
  return found == query.end() ? nullptr : &found->second;
}

struct HttpServer::Connection {
  explicit Connection(Fd fd) : stream(std::move(fd)) {}
  Stream stream;
  std::size_t number = 0;
  std::atomic<bool> done{false};
  std::thread thread;
};

HttpServer::HttpServer(const Address& address, std::optional<TlsIdentity> tls, Handler handler, Logger logger)
    : HttpServer(listen_on(address), std::move(tls), std::move(handler), std::move(logger)) {}

HttpServer::HttpServer(Fd listener, std::optional<TlsIdentity> tls, Handler handler, Logger logger)
    : handler_(std::move(handler)),
      logger_(std::move(logger)),
      listener_(std::move(listener)),
      address_(local_address(listener_)) {
  if (tls) tls_.emplace(*tls);
  acceptor_ = std::thread([this] { accept_loop(); });
}

HttpServer::~HttpServer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  std::list<std::unique_ptr<Connection>> open;
  {
    MutexLock lock(mutex_);
    open.swap(open_);
  }
  for (auto& connection : open) connection->stream.interrupt();
  for (auto& connection : open) connection->thread.join();
}

void HttpServer::accept_loop() {
  while (true) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    MutexLock lock(mutex_);
    if (stopping_) return;
    // Finished ones first: when there are no more descriptors, theirs are the ones to be had.
    for (auto it = open_.begin(); it != open_.end();) {
      if ((*it)->done) {
        (*it)->thread.join();
        it = open_.erase(it);
      } else {
        ++it;
      }
    }
    if (!fd) {
      changed_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
      continue;
    }
    Connection& connection = *open_.emplace_back(std::make_unique<Connection>(std::move(fd)));
    connection.number = accepted_++;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void HttpServer::serve(Connection& connection) {
  // A broken TLS line raises SIGPIPE in the writing thread; the program's own handling is not ours to change.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  if (!tls_ || connection.stream.accept_tls(*tls_)) {
    WireReader reader(connection.stream);
    while (exchange(connection, reader)) {
    }
  }
  connection.stream.interrupt();
  connection.done = true;
}

bool HttpServer::exchange(Connection& connection, WireReader& reader) {
  const auto head = reader.read_head();
  if (!head) return false;
  Request request = parse(*head);
  request.connection = connection.number;
  request.arrived = std::chrono::steady_clock::now();
  if (request.method.empty()) {
    connection.stream.write_all("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return false;
  }
  reader.begin_body(request_body(*head));
  bool expects = request.header("Expect") == "100-continue";
  request.read = [&](char* into, std::size_t size) {
    if (std::exchange(expects, false)) connection.stream.write_all("HTTP/1.1 100 Continue\r\n\r\n");
    const std::size_t n = reader.read_body(into, size);
    request.bytes_in += n;
    return n;
  };
  request.body_complete = [&] { return reader.body_complete(); };

  const Response response = handler_(request);

  // The rest of the body is read first: a client that only looks at the answer after sending must not be cut
  // off.
  std::string block(kReadBlock, '\0');
  while (!expects && reader.read_body(block.data(), block.size()) > 0) {
  }
  const bool alive = reader.body_complete();

  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " Emulated\r\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
  const std::uint64_t length = response.stream ? response.stream_length : response.body.size();
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) text += "Content-Length: " + std::to_string(length) + "\r\n";
  if (!alive) text += "Connection: close\r\n";
  const auto tally = logger_(request, response);
  const std::uint64_t limit = response.cut_after.value_or(UINT64_MAX);
  bool good = limit > 0 && connection.stream.write_all(text + "\r\n");
  if (request.method != "HEAD" && !bodiless) {
    const auto send = [&](std::string_view bytes) {
      bytes = bytes.substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), limit - tally->bytes_out)));
      tally->bytes_out += bytes.size();
      return connection.stream.write_all(bytes) && tally->bytes_out < limit;
    };
    if (good && !response.stream) good = send(response.body);
    for (std::uint64_t left = response.stream ? length : 0; good && left > 0;) {
      const std::size_t n = response.stream(
          block.data(), static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), left)));
      good = n > 0 && send({block.data(), n});
      left -= n;
    }
  }
  if (tally->finished) tally->finished(tally->bytes_out);
  if (response.cut_after) {
    connection.stream.reset();
    return false;
  }
  const bool keep =
      good && alive && head->start_line.ends_with("HTTP/1.1") && request.header("Connection") != "close";
  if (good && !keep) connection.stream.finish();
  return keep;
}

}  // namespace davit::emulator
