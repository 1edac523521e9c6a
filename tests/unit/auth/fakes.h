#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "net/http.h"

/// Time stands still until a test moves it.
class FakeClock final : public davit::Clock {
 public:
  Steady steady() const override {
    davit::MutexLock lock(mutex_);
    return now_;
  }
  Wall wall() const override { return {}; }
  double random() override { return 0; }
  davit::Result<> sleep_for(std::chrono::milliseconds, const davit::CallContext&) override { return {}; }
  void pass(std::chrono::seconds time) {
    davit::MutexLock lock(mutex_);
    now_ += time;
  }

 private:
  mutable davit::Mutex mutex_;
  Steady now_ DAVIT_GUARDED_BY(mutex_) = Steady(std::chrono::hours(1000));
};

struct Seen {
  std::string method;
  std::string url;
  std::string authorization;
  std::string body;
  davit::net::Peers peers;
};

/// Answers from a script instead of a network, and remembers the questions.
class FakeTransport final : public davit::net::Transport {
 public:
  using Handler = std::function<davit::Result<davit::net::Response>(const Seen&)>;
  explicit FakeTransport(Handler handler) : handler_(std::move(handler)) {}

  davit::Result<davit::net::Response> exchange(const davit::net::Request& request,
                                               const davit::CallContext&) override {
    Seen seen{.method = request.method,
              .url = request.url.text(),
              .authorization = {},
              .body = request.body,
              .peers = request.peers};
    for (const auto& header : request.headers) {
      if (header.name == "Authorization") seen.authorization = header.value;
    }
    {
      davit::MutexLock lock(mutex_);
      seen_.push_back(seen);
    }
    return handler_(seen);
  }
  davit::Result<std::unique_ptr<davit::net::Download>> open(const davit::net::Request&,
                                                            const davit::CallContext&) override {
    return davit::make_error(davit::Errc::internal, "not used here");
  }

  void set_tls(const std::string&, davit::net::TlsOptions) override {}

  std::vector<Seen> seen() {
    davit::MutexLock lock(mutex_);
    return seen_;
  }

 private:
  const Handler handler_;
  davit::Mutex mutex_;
  std::vector<Seen> seen_ DAVIT_GUARDED_BY(mutex_);
};

inline davit::net::Response answer(int status, std::string body = {},
                                   std::vector<std::string> challenges = {}) {
  davit::net::Response response{
      .status = status, .headers = {}, .body = std::move(body), .peer = "192.0.2.1"};
  for (std::string& challenge : challenges) response.headers.add("WWW-Authenticate", std::move(challenge));
  return response;
}

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = std::filesystem::temp_directory_path() / ("davit-auth-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

  /// Writes a file and returns its path.
  std::string file(const std::string& name, const std::string& text, bool executable = false) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    if (executable) std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
