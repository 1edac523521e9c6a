#include "emulator/access_log.h"

#include <utility>

namespace davit::emulator {

std::string Access::header(std::string_view name) const {
  const auto* value = find_header(headers, name);
  return value == nullptr ? "" : *value;
}

Access AccessLog::Line::now() const {
  Access out = access;
  out.bytes_out = tally->bytes_out;
  return out;
}

HttpServer::Logger AccessLog::logger(Access::Port port) {
  return [this, port](const Request& request, const Response& response) {
    const bool tokens = port == Access::Port::registry && request.path.starts_with("/token");
    const auto passed = std::chrono::steady_clock::now() - request.arrived;
    Line line{{.port = tokens ? Access::Port::tokens : port,
               .connection = request.connection,
               .method = request.method,
               .target = request.target,
               .headers = request.headers,
               .status = response.status,
               .answer_headers = response.headers,
               .bytes_in = request.bytes_in,
               .operation = response.operation,
               .answered_in = std::chrono::duration_cast<std::chrono::microseconds>(passed)},
              std::make_shared<Tally>()};
    if (options_.on_line) {
      // The line holds the tally, so the tally must not hold the line.
      line.tally->finished = [this, access = line.access](std::uint64_t bytes_out) mutable {
        access.bytes_out = bytes_out;
        options_.on_line(access);
      };
    }
    if (options_.kept == 0) return line.tally;
    MutexLock lock(mutex_);
    if (lines_.size() == options_.kept) lines_.pop_front();
    lines_.push_back(line);
    return line.tally;
  };
}

std::vector<Access> AccessLog::lines(std::string_view method, std::string_view target) const {
  MutexLock lock(mutex_);
  std::vector<Access> out;
  for (const auto& line : lines_) {
    const Access& access = line.access;
    if ((method.empty() || access.method == method) && access.target.starts_with(target))
      out.push_back(line.now());
  }
  return out;
}

std::vector<Access> AccessLog::lines(Access::Port port) const {
  MutexLock lock(mutex_);
  std::vector<Access> out;
  for (const auto& line : lines_) {
    if (line.access.port == port) out.push_back(line.now());
  }
  return out;
}

void AccessLog::clear() {
  MutexLock lock(mutex_);
  lines_.clear();
}

}  // namespace davit::emulator
