#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/process.h"

namespace davit::test {

/// What curl saw: "202", headers, body.
struct Answer {
  std::string status;
  std::string head;
  std::string body;
  int exit_code = 0;  ///< curl's own: not 0 for a body that broke off, too

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body); }
  /// The first error code of a registry, or the exception of an API.
  [[nodiscard]] std::string code() const {
    const auto parsed = nlohmann::json::parse(body, nullptr, false);
    if (!parsed.is_object()) return "";
    if (parsed.contains("__type")) return parsed["__type"];
    return parsed.contains("errors") ? parsed["errors"][0]["code"].get<std::string>() : "";
  }
  [[nodiscard]] std::string message() const {
    const auto parsed = nlohmann::json::parse(body, nullptr, false);
    if (!parsed.is_object()) return "";
    for (const char* name : {"message", "Message"}) {
      if (parsed.contains(name)) return parsed[name];
    }
    return parsed.contains("errors") ? parsed["errors"][0]["message"].get<std::string>() : "";
  }
};

/// Asks with curl; "000" is a connection that broke.
inline Answer ask(const std::string& method, const std::string& url, const std::string& body = "",
                  std::vector<std::string> more = {}) {
  std::vector<std::string> argv{"curl", "-s", "-i", "--noproxy", "*", "-H", "Expect:", "--path-as-is"};
  if (method == "HEAD") {
    argv.push_back("-I");
  } else {
    argv.insert(argv.end(), {"-X", method});
  }
  if (!body.empty()) argv.insert(argv.end(), {"--data-binary", "@-"});
  argv.insert(argv.end(), more.begin(), more.end());
  argv.push_back(url);
  const auto result = run({.argv = argv, .stdin_text = body, .deadline = std::chrono::seconds(20)});
  const auto end = result.out.find("\r\n\r\n");
  if (end == std::string::npos) return {"000", "", "", result.exit_code};
  return {result.out.substr(9, 3), result.out.substr(0, end + 2), result.out.substr(end + 4),
          result.exit_code};
}

}  // namespace davit::test
