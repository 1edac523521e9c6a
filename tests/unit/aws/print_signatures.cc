// Reads requests from its standard input, one JSON object a line, and prints the Authorization header of
// each.
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "aws/sigv4.h"
#include "aws/timestamps.h"

using namespace davit;

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto given = nlohmann::json::parse(line);
    const auto url = net::Url::parse(given.at("url").get<std::string>());
    const auto time = aws::parse_iso8601(given.at("time").get<std::string>());
    if (!url || !time) {
      std::cout << "unreadable\n";
      continue;
    }
    net::Request request;
    request.method = given.at("method");
    request.url = *url;
    request.body = given.at("body");
    for (const auto& header : given.at("headers")) request.headers.push_back({header.at(0), header.at(1)});
    const aws::Keys keys{.id = given.at("id"),
                         .secret = Secret(given.at("secret").get<std::string>()),
                         .session_token = Secret(given.at("token").get<std::string>())};
    aws::sign(request, keys, {given.at("region"), given.at("service")}, *time);
    std::cout << request.headers.back().value << "\n";
  }
}
