#include "support/fault_session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace davit::test {

using emulator::BodyPlan;
using emulator::chunk;
using emulator::connect_to;
using emulator::find_header;
using emulator::Head;
using emulator::request_body;
using emulator::response_body;
using emulator::set_header;
using emulator::status_of;

namespace {

using std::chrono::steady_clock;
constexpr std::size_t kBlock = 64u << 10;

/// Hands out the bytes of a string.
std::function<std::size_t(char*, std::size_t)> reading(std::string text) {
  return [text = std::move(text), at = std::size_t{0}](char* into, std::size_t size) mutable {
    const std::size_t n = std::min(size, text.size() - at);
    std::memcpy(into, text.data() + at, n);
    at += n;
    return n;
  };
}

std::string to_text(const Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  return out;
}

bool has_no_body(int status) {
  return status == 204 || status == 304 || status / 100 == 1;
}

}  // namespace

steady_clock::time_point Pace::after(std::size_t bytes) {
  const auto now = steady_clock::now();
  if (rate_ == 0) return now;
  free_at_ = std::max(free_at_, now) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                           1e9 * static_cast<double>(bytes) / static_cast<double>(rate_)));
  return free_at_;
}

FaultServer::Session::Session(FaultServer& server, Stream& stream, Address host, std::size_t number)
    : server_(server),
      stream_(stream),
      host_(std::move(host)),
      number_(number),
      reader_(stream),
      incoming_(server.options_.bytes_per_second),
      outgoing_(server.options_.bytes_per_second) {}

void FaultServer::Session::run() {
  if (!server_.sleep_until(steady_clock::now() + server_.options_.round_trip)) return;
  if (server_.tls_ && !stream_.accept_tls(*server_.tls_)) return;
  while (exchange()) {
  }
}

bool FaultServer::Session::pass(Pace& pace, std::size_t bytes) {
  return server_.sleep_until(pace.after(bytes));
}

bool FaultServer::Session::exchange() {
  const auto head = reader_.read_head();
  if (!head) return false;
  RecordedRequest request{.connection = number_, .host = host_, .head = head->raw, .headers = head->headers};
  const auto first = head->start_line.find(' ');
  const auto last = head->start_line.rfind(' ');
  if (first == std::string::npos || first == last) return false;
  request.method = head->start_line.substr(0, first);
  request.target = head->start_line.substr(first + 1, last - first - 1);
  request.version = head->start_line.substr(last + 1);

  reader_.begin_body(request_body(*head));
  hasher_.emplace();
  recorded_ = false;
  if (server_.options_.answer_expect && request.header("Expect") == "100-continue") {
    stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n");
  }

  const auto rule = server_.rule_for(request);
  const InHand in_hand(server_);
  const auto live = [&](char* into, std::size_t size) { return hashed(request, into, size); };
  if (rule == nullptr && server_.options_.upstream) return act(request, forwarded(), *head, live);
  if (rule != nullptr && rule->streams) return act(request, rule->fixed, *head, live);

  std::string everything;
  const std::uint64_t limit = rule != nullptr && rule->match.early ? *rule->match.early : UINT64_MAX;
  const bool arrived = read_body(request, limit, rule == nullptr ? nullptr : &everything);
  finish_record(request);
  if (!arrived) return false;
  const Reply reply = rule == nullptr ? Reply{.status = 404} : rule->action(request);
  return act(request, reply, *head, reading(std::move(everything)));
}

std::size_t FaultServer::Session::hashed(RecordedRequest& request, char* into, std::size_t size) {
  const std::size_t n = reader_.read_body(into, size);
  hasher_->update(std::as_bytes(std::span(into, n)));
  request.body_size += n;
  request.body.append(into, std::min(n, server_.options_.body_kept - request.body.size()));
  return pass(incoming_, n) ? n : 0;
}

bool FaultServer::Session::read_body(RecordedRequest& request, std::uint64_t limit, std::string* everything) {
  std::string block(kBlock, '\0');
  while (request.body_size < limit) {
    const auto wanted = std::min<std::uint64_t>(block.size(), limit - request.body_size);
    const std::size_t n = hashed(request, block.data(), static_cast<std::size_t>(wanted));
    if (n == 0) return reader_.body_complete();
    if (everything != nullptr) everything->append(block, 0, n);
  }
  return true;
}

void FaultServer::Session::finish_record(RecordedRequest& request) {
  if (std::exchange(recorded_, true)) return;
  request.body_complete = reader_.body_complete();
  request.body_sha256 = hasher_->digest().hex();
  request.number = server_.record(request);
}

bool FaultServer::Session::act(RecordedRequest& request, const Reply& reply, const Head& head,
                               NextBytes body) {
  if (reply.forward && server_.options_.upstream) return forward(request, reply, head, body);
  return answer_directly(request, reply);
}

bool FaultServer::Session::answer_directly(const RecordedRequest& request, const Reply& reply) {
  Answer answer{.status = reply.status,
                .headers = reply.headers,
                .framing = has_no_body(reply.status) ? Framing::none : reply.framing,
                .content_length = std::to_string(reply.body.size()),
                .next = reading(reply.body)};
  return send(request, reply, answer);
}

bool FaultServer::Session::send_upstream(const Head& head, const NextBytes& body) {
  if (upstream_ == nullptr) {
    Fd fd = connect_to(*server_.options_.upstream);
    if (!fd) return false;
    upstream_ = std::make_unique<Stream>(std::move(fd));
    upstream_reader_ = std::make_unique<WireReader>(*upstream_);
  }
  Headers headers = head.headers;
  set_header(headers, "Expect", "");
  if (!upstream_->write_all(head.start_line + "\r\n" + to_text(headers) + "\r\n")) return false;
  const BodyPlan plan = request_body(head);
  if (plan.framing == Framing::none) return true;
  std::string block(kBlock, '\0');
  while (const std::size_t n = body(block.data(), block.size())) {
    const std::string_view bytes(block.data(), n);
    if (!upstream_->write_all(plan.framing == Framing::chunked ? chunk(bytes) : bytes)) break;
    if (upstream_reader_->readable(0)) return true;  // it has made up its mind before the end
  }
  return plan.framing != Framing::chunked || !reader_.body_complete() || upstream_->write_all("0\r\n\r\n");
}

bool FaultServer::Session::forward(RecordedRequest& request, const Reply& reply, const Head& head,
                                   const NextBytes& body) {
  const bool sent = send_upstream(head, body);
  finish_record(request);
  const bool whole = reader_.body_complete();
  if (!sent || (!whole && !upstream_reader_->readable(0))) {
    upstream_.reset();  // a request that broke off must not be completed by the next one
    return whole ? answer_directly(request, {.status = 502, .after = After::finish}) : false;
  }
  auto answer_head = upstream_reader_->read_head();
  while (answer_head && status_of(*answer_head) / 100 == 1) answer_head = upstream_reader_->read_head();
  if (!answer_head) {
    upstream_.reset();
    return answer_directly(request, {.status = 502, .after = After::finish});
  }
  const BodyPlan plan = response_body(*answer_head, request.method);
  upstream_reader_->begin_body(plan);

  Answer answer{.status = reply.status != 0 ? reply.status : status_of(*answer_head),
                .headers = answer_head->headers};
  const auto* length = find_header(answer_head->headers, "Content-Length");
  answer.content_length = length == nullptr ? "" : *length;
  set_header(answer.headers, "Content-Length", "");
  set_header(answer.headers, "Transfer-Encoding", "");
  for (const auto& [name, value] : reply.headers) set_header(answer.headers, name, value);
  answer.framing = plan.framing;
  answer.next = [this](char* into, std::size_t size) { return upstream_reader_->read_body(into, size); };
  if (!reply.body.empty()) {
    answer.framing = Framing::length;
    answer.content_length = std::to_string(reply.body.size());
    answer.next = reading(reply.body);
  } else if (request.method == "HEAD" && length != nullptr) {
    answer.framing = Framing::length;
  }
  const bool go_on = send(request, reply, answer);
  const auto* connection = find_header(answer_head->headers, "Connection");
  const bool reusable = whole && upstream_reader_->body_complete() && plan.framing != Framing::until_close &&
                        (connection == nullptr || *connection != "close");
  if (!reusable) upstream_.reset();
  if (go_on && !reusable) return end(After::finish);
  return go_on;
}

bool FaultServer::Session::send(const RecordedRequest& request, const Reply& how, const Answer& answer) {
  if (!server_.sleep_until(steady_clock::now() + how.delay + server_.options_.round_trip)) return false;
  if (how.gate != nullptr && !server_.wait_for(*how.gate)) return false;
  if (how.silent) {
    server_.note_answer(request.number, 0, 0);
    return end(how.after == After::keep ? After::cut : how.after);
  }
  std::string head;
  for (const int status : how.interim) head += "HTTP/1.1 " + std::to_string(status) + " Interim\r\n\r\n";
  const bool close_delimited = answer.framing == Framing::until_close;
  head += (close_delimited ? "HTTP/1.0 " : "HTTP/1.1 ") + std::to_string(answer.status) + " Test\r\n" +
          to_text(answer.headers);
  if (how.content_length) {
    head += "Content-Length: " + *how.content_length + "\r\n";
  } else if (answer.framing == Framing::length) {
    head += "Content-Length: " + answer.content_length + "\r\n";
  }
  if (answer.framing == Framing::chunked) head += "Transfer-Encoding: chunked\r\n";
  if (how.after == After::finish) head += "Connection: close\r\n";
  server_.note_answer(request.number, answer.status,
                      0);  // first, so that whoever has the answer finds it here
  bool good = stream_.write_all(head + "\r\n");

  std::uint64_t sent = 0;
  const std::uint64_t limit = how.cut_at.value_or(UINT64_MAX);
  if (request.method != "HEAD" && answer.framing != Framing::none) {
    Pace own(how.bytes_per_second);
    std::string block(
        how.bytes_per_second == 0 ? kBlock : std::clamp<std::uint64_t>(how.bytes_per_second / 50, 1, kBlock),
        '\0');
    while (good && sent < limit) {
      const std::size_t n = answer.next(
          block.data(), static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), limit - sent)));
      if (n == 0) break;
      const std::string_view bytes(block.data(), n);
      good = pass(own, n) && pass(outgoing_, n) &&
             stream_.write_all(answer.framing == Framing::chunked ? chunk(bytes) : bytes);
      if (good) sent += n;
    }
    if (good && !how.cut_at && answer.framing == Framing::chunked) good = stream_.write_all("0\r\n\r\n");
  }
  server_.note_answer(request.number, answer.status, sent);
  if (!good) return false;
  After after = how.after;
  if (after == After::keep && (how.cut_at || close_delimited)) after = After::cut;
  if (after == After::keep && (request.version == "HTTP/1.0" || request.header("Connection") == "close"))
    after = After::finish;
  return end(after);
}

bool FaultServer::Session::end(After after) {
  switch (after) {
    case After::keep: {
      std::string rest(kBlock, '\0');
      while (reader_.read_body(rest.data(), rest.size()) > 0) {
      }
      return reader_.body_complete();
    }
    case After::finish:
      stream_.finish();
      return false;
    case After::cut:
      stream_.cut();
      return false;
    case After::reset:
      stream_.reset();
      return false;
    case After::hang:
      static_cast<void>(server_.sleep_until(steady_clock::time_point::max()));
      return false;
  }
  return false;
}

}  // namespace davit::test
