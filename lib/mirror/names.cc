#include "mirror/names.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::mirror {
namespace {

constexpr std::size_t kLongest = 1024;

struct Piece {
  enum class Kind { text, star, stars };
  Kind kind;
  char letter = 0;
};

std::vector<Piece> pieces_of(std::string_view pattern) {
  std::vector<Piece> out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '*') {
      out.push_back({Piece::Kind::text, pattern[i]});
    } else if (i + 1 < pattern.size() && pattern[i + 1] == '*') {
      out.push_back({Piece::Kind::stars});
      ++i;
    } else {
      out.push_back({Piece::Kind::star});
    }
  }
  return out;
}

std::string as_component(const std::string& host) {
  std::string out = host;
  std::ranges::replace_if(
      out, [](char c) { return !is_lower(c) && !is_digit(c) && c != '.' && c != '-'; }, '-');
  while (!out.empty() && (out.front() == '-' || out.front() == '.')) out.erase(0, 1);
  while (!out.empty() && (out.back() == '-' || out.back() == '.')) out.pop_back();
  return out;
}

}  // namespace

/// One row of the table of all prefixes at a time, so that no pattern takes more than its length times that
/// of the name.
bool glob_matches(std::string_view pattern, std::string_view name) {
  if (pattern.size() > kLongest || name.size() > kLongest) return false;
  std::vector<char> before(name.size() + 1, 0);
  before[0] = 1;
  for (const Piece& piece : pieces_of(pattern)) {
    std::vector<char> now(name.size() + 1, 0);
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (piece.kind == Piece::Kind::text) {
        now[i] = i > 0 && before[i - 1] != 0 && name[i - 1] == piece.letter ? 1 : 0;
        continue;
      }
      const bool more = i > 0 && now[i - 1] != 0 && (piece.kind == Piece::Kind::stars || name[i - 1] != '/');
      now[i] = before[i] != 0 || more ? 1 : 0;
    }
    before.swap(now);
  }
  return before[name.size()] != 0;
}

bool is_glob(std::string_view text) {
  return text.find('*') != std::string_view::npos;
}

Result<std::string> fill_target(std::string_view pattern, const Reference& source) {
  std::string out;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = pattern.find('}', open);
    const std::string_view word =
        close == std::string_view::npos ? pattern.substr(open) : pattern.substr(open + 1, close - open - 1);
    if (close != std::string_view::npos && word == "repo") {
      out += source.repository;
    } else if (close != std::string_view::npos && word == "name") {
      out += source.repository.substr(source.repository.rfind('/') + 1);
    } else if (close != std::string_view::npos && word == "registry") {
      out += as_component(source.host);
    } else {
      return make_error(Errc::invalid_argument,
                        "\"" + escaped(word, 60) + "\" is no placeholder of a mirror's target",
                        "{repo}, {name} and {registry} are; tags stay as they are");
    }
    pattern.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace davit::mirror
