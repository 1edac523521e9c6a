#include "auth/challenge.h"

#include <algorithm>

#include "base/ascii.h"

namespace davit::auth {
namespace {

constexpr std::size_t kMaxValue = 16u << 10;
constexpr std::size_t kMaxChallenges = 64;

bool is_token(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token68(char c) {
  return is_alnum(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}
bool is_space(char c) {
  return c == ' ' || c == '\t';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void challenges(std::vector<Challenge>& out) {
    while (separators(), !done() && out.size() < kMaxChallenges) {
      Challenge challenge;
      challenge.scheme = lower_case(token());
      if (challenge.scheme.empty() || !(done() || is_space(peek()) || peek() == ',')) {
        skip_item();
        continue;
      }
      const bool has_space = !done() && is_space(peek());
      spaces();
      if (has_space && !read_token68(challenge.token68)) parameters(challenge);
      out.push_back(std::move(challenge));
    }
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  void spaces() {
    while (!done() && is_space(peek())) ++at_;
  }
  void separators() {
    while (!done() && (is_space(peek()) || peek() == ',')) ++at_;
  }
  std::string_view token() {
    const std::size_t start = at_;
    while (!done() && is_token(peek())) ++at_;
    return text_.substr(start, at_ - start);
  }

  /// To the next comma outside quotes.
  void skip_item() {
    for (bool quoted = false; !done() && (quoted || peek() != ','); ++at_) {
      if (peek() == '"') quoted = !quoted;
      if (quoted && peek() == '\\' && at_ + 1 < text_.size()) ++at_;
    }
  }

  bool read_token68(std::string& out) {
    const std::size_t start = at_;
    while (!done() && is_token68(peek())) ++at_;
    const std::size_t end = at_;
    while (!done() && peek() == '=') ++at_;
    const std::string_view read = text_.substr(start, at_ - start);
    spaces();
    if (end > start && (done() || peek() == ',')) {
      out = read;
      return true;
    }
    at_ = start;
    return false;
  }

  void parameters(Challenge& challenge) {
    while (separators(), !done()) {
      const std::size_t start = at_;
      const std::string name = lower_case(token());
      spaces();
      if (name.empty()) {
        skip_item();
        continue;
      }
      if (done() || peek() != '=') {  // no parameter: the next challenge begins here
        at_ = start;
        return;
      }
      ++at_;
      spaces();
      const auto value = this->value();
      if (value) challenge.parameters.emplace(name, *value);
    }
  }

  std::optional<std::string> value() {
    std::string out;
    if (done() || peek() != '"') {
      // The grammar wants a token here; some registries leave out the quotes around a URL.
      while (!done() && peek() != ',' && !is_space(peek())) out += text_[at_++];
    } else {
      for (++at_;; ++at_) {
        if (done()) return std::nullopt;
        if (peek() == '"') break;
        if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
        out += peek();
      }
      ++at_;
    }
    const bool clean =
        std::ranges::none_of(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    return clean ? std::optional(out) : std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view Challenge::get(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<Challenge> parse_challenges(const std::vector<std::string>& values) {
  std::vector<Challenge> out;
  for (const std::string& value : values) {
    if (value.size() <= kMaxValue) Parser(value).challenges(out);
  }
  return out;
}

std::optional<Challenge> choose_challenge(const std::vector<Challenge>& challenges) {
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "bearer" && !challenge.get("realm").empty()) return challenge;
  }
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "basic") return challenge;
  }
  return std::nullopt;
}

}  // namespace davit::auth
