#include "model/semver.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/split.h"
#include "base/try.h"

namespace davit::model {
namespace {

constexpr std::size_t kLongest = 256;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (!is_number(text) || problem != std::errc() || end != text.data() + text.size()) return {};
  if (text.size() > 1 && text.front() == '0') return {};
  return out;
}

bool is_identifier(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || is_letter(c) || c == '-'; });
}

/// "1", "1.2", "1.2.x", "*": how much of a version is said.
struct Partial {
  std::vector<std::uint64_t> numbers;  // up to three
  std::vector<std::string> prerelease;

  [[nodiscard]] Version lowest() const {
    Version out{.prerelease = prerelease};
    if (!numbers.empty()) out.major = numbers[0];
    if (numbers.size() > 1) out.minor = numbers[1];
    if (numbers.size() > 2) out.patch = numbers[2];
    return out;
  }
  /// The first version that is beyond everything that begins like this. REQUIRES: some number is said.
  [[nodiscard]] Version beyond(std::size_t numbers_kept) const {
    Version out = lowest();
    out.prerelease = {"0"};  // before its own prereleases, too
    if (numbers_kept == 1) {
      out.minor = out.patch = 0;
      ++out.major;
    } else if (numbers_kept == 2) {
      out.patch = 0;
      ++out.minor;
    } else {
      ++out.patch;
    }
    return out;
  }
};

std::optional<Partial> parse_partial(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V') || text.starts_with('=')) text.remove_prefix(1);
  text = text.substr(0, text.find('+'));
  Partial out;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    for (const std::string_view part : split(text.substr(dash + 1), '.')) {
      if (!is_identifier(part) || (is_number(part) && !number(part))) return {};
      out.prerelease.emplace_back(part);
    }
    text = text.substr(0, dash);
  }
  const auto parts = split(text, '.');
  if (parts.size() > 3) return {};
  bool open = false;
  for (const std::string_view part : parts) {
    if (part == "x" || part == "X" || part == "*") {
      open = true;
      continue;
    }
    const auto value = number(part);
    if (!value) return {};
    if (!open) out.numbers.push_back(*value);
  }
  if (!out.prerelease.empty() && out.numbers.size() != 3) return {};
  return out;
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  if (text.size() > kLongest || text.starts_with('=')) return {};
  const auto partial = parse_partial(text);
  if (!partial || partial->numbers.size() != 3) return {};
  return partial->lowest();
}

std::optional<Version> Version::parse_short(std::string_view text) {
  if (text.size() > kLongest) return {};
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::string_view numbers = text.substr(0, text.find_first_of("-+"));
  std::string whole;
  std::size_t count = 0;
  for (std::string_view part : split(numbers, '.')) {
    if (!is_number(part) || ++count > 3) return {};
    part.remove_prefix(std::min(part.find_first_not_of('0'), part.size() - 1));
    whole += (count == 1 ? "" : ".") + std::string(part);
  }
  for (; count < 3; ++count) whole += ".0";
  return parse(whole + std::string(text.substr(numbers.size())));
}

namespace {

/// Of the parts of two prereleases.
std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const auto x = number(a);
  const auto y = number(b);
  if (x && y) return *x <=> *y;
  if (x.has_value() != y.has_value()) return x ? std::strong_ordering::less : std::strong_ordering::greater;
  return a.compare(b) <=> 0;
}

/// Takes what stands before the next dot, and the dot.
std::string_view take_part(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

/// Part by part; the shorter one first where one goes on.
template <class Compare>
std::strong_ordering compare_parts(std::string_view a, std::string_view b, Compare compare) {
  while (!a.empty() && !b.empty()) {
    if (const auto order = compare(take_part(a), take_part(b)); order != 0) return order;
  }
  return b.empty() <=> a.empty();
}

}  // namespace

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty()) return a.prerelease.empty() <=> b.prerelease.empty();
  for (std::size_t i = 0; i < a.prerelease.size() && i < b.prerelease.size(); ++i) {
    if (const auto order = compare_identifiers(a.prerelease[i], b.prerelease[i]); order != 0) return order;
  }
  return a.prerelease.size() <=> b.prerelease.size();
}

std::optional<TagVersion> TagVersion::parse(std::string_view tag) {
  if (tag.size() > kLongest) return {};
  if (tag.starts_with('v') || tag.starts_with('V')) tag.remove_prefix(1);
  const auto dash = tag.find('-');
  TagVersion out{.numbers = tag.substr(0, dash), .prerelease = {}};
  const auto parts = split(out.numbers, '.');
  if (!std::ranges::all_of(parts, is_number)) return {};
  if (dash == std::string_view::npos) return out;
  out.prerelease = tag.substr(dash + 1);
  const auto identifiers = split(out.prerelease, '.');
  if (!std::ranges::all_of(identifiers, is_identifier)) return {};
  return out;
}

std::weak_ordering operator<=>(const TagVersion& a, const TagVersion& b) {
  if (const auto order = compare_parts(a.numbers, b.numbers, compare_numbers); order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty()) return a.prerelease.empty() <=> b.prerelease.empty();
  return compare_parts(a.prerelease, b.prerelease, compare_identifiers);
}

/// Turns every form into comparators.
class VersionRange::Parser {
 public:
  explicit Parser(std::string_view whole) : whole_(whole) {}

  Result<std::vector<Comparator>> alternative(std::string_view text) {
    std::vector<std::string_view> words;
    for (const std::string_view word : split(text, ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i + 2 < words.size() && words[i + 1] == "-") {
        DAVIT_TRY(const Partial from, partial(words[i]));
        DAVIT_TRY(const Partial to, partial(words[i + 2]));
        add(Relation::at_least, from.lowest());
        at_most(to);
        i += 2;
        continue;
      }
      std::string word(words[i]);
      // A comparator may stand apart from its version.
      if (word.find_first_not_of("<>=~^") == std::string::npos && i + 1 < words.size()) word += words[++i];
      DAVIT_TRY_VOID(term(word));
    }
    return std::move(out_);
  }

 private:
  Result<Partial> partial(std::string_view text) const {
    auto parsed = parse_partial(text);
    if (parsed) return *std::move(parsed);
    return make_error(Errc::invalid_argument,
                      "\"" + escaped(whole_, 120) + "\": \"" + escaped(text, 60) + "\" is no version",
                      "write ranges as npm does: >=1.2 <2, ^1.4, ~1.4.2, 1.x, 1.2 - 1.4, joined by ||");
  }

  Result<> term(std::string_view word) {
    const auto starts = [&](std::string_view with) {
      if (!word.starts_with(with)) return false;
      word.remove_prefix(with.size());
      return true;
    };
    if (starts("^")) return caret(word);
    if (starts("~>") || starts("~")) return tilde(word);
    if (starts(">="))
      return with(word, [this](const Partial& said) { add(Relation::at_least, said.lowest()); });
    if (starts("<=")) return with(word, [this](const Partial& said) { at_most(said); });
    if (starts(">")) return with(word, [this](const Partial& said) { above(said); });
    if (starts("<")) return with(word, [this](const Partial& said) { below(said); });
    return with(word, [this](const Partial& said) {
      if (said.numbers.size() == 3) return add(Relation::equal, said.lowest());
      any_of(said);
    });
  }

  template <class Use>
  Result<> with(std::string_view word, Use use) {
    DAVIT_TRY(const Partial said, partial(word));
    use(said);
    return {};
  }

  Result<> caret(std::string_view word) {
    return with(word, [this](const Partial& said) {
      if (said.numbers.empty()) return any_of(said);
      add(Relation::at_least, said.lowest());
      // What comes after the first number that is not 0 may grow.
      std::size_t kept = 1;
      while (kept < said.numbers.size() && said.numbers[kept - 1] == 0) ++kept;
      add(Relation::less, said.beyond(kept));
    });
  }

  Result<> tilde(std::string_view word) {
    return with(word, [this](const Partial& said) {
      if (said.numbers.empty()) return any_of(said);
      add(Relation::at_least, said.lowest());
      add(Relation::less, said.beyond(std::min<std::size_t>(said.numbers.size(), 2)));
    });
  }

  void any_of(const Partial& said) {
    add(Relation::at_least, said.lowest());
    if (!said.numbers.empty()) add(Relation::less, said.beyond(said.numbers.size()));
  }
  void at_most(const Partial& said) {
    if (said.numbers.size() == 3) return add(Relation::at_most, said.lowest());
    if (!said.numbers.empty()) add(Relation::less, said.beyond(said.numbers.size()));
  }
  void above(const Partial& said) {
    if (said.numbers.size() == 3) return add(Relation::greater, said.lowest());
    if (said.numbers.empty())
      return add(Relation::less, {.prerelease = {"0"}});  // nothing is above every one
    Version least = said.beyond(said.numbers.size());
    least.prerelease.clear();
    add(Relation::at_least, std::move(least));
  }
  void below(const Partial& said) {
    Version limit = said.lowest();
    if (said.numbers.size() < 3) limit.prerelease = {"0"};
    add(Relation::less, std::move(limit));
  }
  void add(Relation relation, Version version) { out_.push_back({relation, std::move(version)}); }

  std::string_view whole_;
  std::vector<Comparator> out_;
};

Result<VersionRange> VersionRange::parse(std::string_view text) {
  if (text.size() > kLongest)
    return make_error(Errc::invalid_argument,
                      "a version range of more than " + std::to_string(kLongest) + " characters");
  VersionRange out;
  for (std::size_t at = 0;;) {
    const auto bar = text.find("||", at);
    DAVIT_TRY(auto alternative, Parser(text).alternative(text.substr(at, bar - at)));
    out.alternatives_.push_back(std::move(alternative));
    if (bar == std::string_view::npos) return out;
    at = bar + 2;
  }
}

bool VersionRange::contains(const Version& version) const {
  const auto holds = [&](const Comparator& one) {
    const auto order = version <=> one.version;
    switch (one.relation) {
      case Relation::less:
        return order < 0;
      case Relation::at_most:
        return order <= 0;
      case Relation::equal:
        return order == 0;
      case Relation::at_least:
        return order >= 0;
      case Relation::greater:
        return order > 0;
    }
    return false;
  };
  const auto names = [&](const Comparator& one) {
    const Version& said = one.version;
    return !said.prerelease.empty() && said.major == version.major && said.minor == version.minor &&
           said.patch == version.patch;
  };
  return std::ranges::any_of(alternatives_, [&](const std::vector<Comparator>& all) {
    return std::ranges::all_of(all, holds) && (version.prerelease.empty() || std::ranges::any_of(all, names));
  });
}

bool version_less(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto number_of = [](std::string_view& text) {
        text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
        const auto end = std::ranges::find_if_not(text, is_digit);
        const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
        text.remove_prefix(digits.size());
        return digits;
      };
      const std::string_view x = number_of(a);
      const std::string_view y = number_of(b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a.front() != b.front()) return a.front() < b.front();
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() < b.size();
}

}  // namespace davit::model
