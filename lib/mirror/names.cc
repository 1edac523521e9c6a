#include "mirror/names.h"

#include <vector>

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

}  // namespace davit::mirror
