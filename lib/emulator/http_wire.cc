#include "emulator/http_wire.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace davit::emulator {
namespace {

constexpr std::size_t kHeadLimit = 1u << 20;

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

template <class Number>
bool parse_number(std::string_view text, Number& out, int base = 10) {
  return std::from_chars(text.data(), text.data() + text.size(), out, base).ec == std::errc{};
}

BodyPlan declared_body(const Head& head, BodyPlan otherwise) {
  const auto* coding = find_header(head.headers, "Transfer-Encoding");
  if (coding != nullptr && coding->find("chunked") != std::string::npos) return {Framing::chunked, 0};
  BodyPlan plan{Framing::length, 0};
  const auto* length = find_header(head.headers, "Content-Length");
  if (length != nullptr && parse_number(*length, plan.length)) return plan;
  return otherwise;
}

}  // namespace

const std::string* find_header(const Headers& headers, std::string_view name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const Header& h) { return same_name(h.name, name); });
  return found == headers.end() ? nullptr : &found->value;
}

void set_header(Headers& headers, std::string_view name, std::string_view value) {
  std::erase_if(headers, [&](const Header& h) { return same_name(h.name, name); });
  if (!value.empty()) headers.push_back({std::string(name), std::string(value)});
}

BodyPlan request_body(const Head& head) {
  return declared_body(head, {Framing::none, 0});
}

int status_of(const Head& head) {
  int status = 0;
  const auto space = head.start_line.find(' ');
  if (space != std::string::npos) parse_number(std::string_view(head.start_line).substr(space + 1), status);
  return status;
}

BodyPlan response_body(const Head& head, std::string_view method) {
  const int status = status_of(head);
  if (method == "HEAD" || status == 204 || status == 304 || status / 100 == 1) return {};
  return declared_body(head, {Framing::until_close, 0});
}

bool WireReader::fill() {
  at_ = 0;
  end_ = stream_.read_some(buffer_.data(), buffer_.size());
  return end_ > 0;
}

std::size_t WireReader::raw(char* into, std::size_t size) {
  if (at_ == end_ && !fill()) return 0;
  const std::size_t n = std::min(size, end_ - at_);
  std::memcpy(into, buffer_.data() + at_, n);
  at_ += n;
  return n;
}

bool WireReader::line(std::string& out) {
  out.clear();
  while (out.size() < kHeadLimit) {
    if (at_ == end_ && !fill()) return false;
    const char* from = buffer_.data() + at_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - at_));
    const std::size_t n = newline != nullptr ? static_cast<std::size_t>(newline - from) + 1 : end_ - at_;
    out.append(from, n);
    at_ += n;
    if (newline != nullptr) return true;
  }
  return false;
}

std::optional<Head> WireReader::read_head() {
  Head head;
  std::string text;
  // A TLS handshake on a plain port has no line end to wait for.
  if (at_ == end_ && !fill()) return std::nullopt;
  if (buffer_[at_] < ' ' && buffer_[at_] != '\r' && buffer_[at_] != '\n') return std::nullopt;
  while (line(text) && head.raw.size() < kHeadLimit) {
    head.raw += text;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (head.start_line.empty()) {
      head.start_line = text;
    } else if (text.empty()) {
      return head;
    } else {
      const auto colon = text.find(':');
      const auto value = text.find_first_not_of(" \t", colon == std::string::npos ? colon : colon + 1);
      head.headers.push_back({text.substr(0, colon), value == std::string::npos ? "" : text.substr(value)});
    }
  }
  return std::nullopt;
}

void WireReader::begin_body(BodyPlan plan) {
  framing_ = plan.framing;
  left_ = plan.length;
  first_chunk_ = true;
  complete_ = framing_ == Framing::none || (framing_ == Framing::length && left_ == 0);
}

std::size_t WireReader::read_body(char* into, std::size_t size) {
  if (complete_) return 0;
  if (framing_ == Framing::until_close) {
    const std::size_t n = raw(into, size);
    if (n == 0) complete_ = true;
    return n;
  }
  if (framing_ == Framing::chunked && left_ == 0) {
    std::string text;
    if (!first_chunk_ && !line(text)) return 0;
    if (!line(text) || !parse_number(std::string_view(text), left_, 16)) return 0;
    first_chunk_ = false;
    if (left_ == 0) {
      while (line(text) && text != "\r\n" && text != "\n") {
      }
      complete_ = true;
      return 0;
    }
  }
  const std::size_t n = raw(into, static_cast<std::size_t>(std::min<std::uint64_t>(size, left_)));
  left_ -= n;
  if (framing_ == Framing::length && left_ == 0) complete_ = true;
  return n;
}

std::string chunk(std::string_view bytes) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return size.data() + std::string(bytes) + "\r\n";
}

}  // namespace davit::emulator
