#include "model/json_rewrite.h"

#include <nlohmann/json.hpp>

namespace davit::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSpace = " \t\r\n";
constexpr int kDeepest = 64;  // as JsonLimits has it

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// Behind the string that begins at `at`; the end of the text where it does not end.
std::size_t behind_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

std::string put_together(const JsonPieces& pieces, std::span<const std::string> items) {
  const auto& gaps = pieces.gaps;
  std::string out(pieces.begin);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i <= gaps.size() ? gaps[i - 1] : gaps.empty() ? "," : gaps.front();
    out += items[i];
  }
  return out += pieces.end;
}

std::string text_of(std::string_view text, const Json& before, const Json& now, int depth);

std::string text_of_object(const JsonPieces& pieces, const Json& before, const Json& now, int depth) {
  std::vector<std::string> items;
  for (const auto& [name, value] : now.items()) {
    std::size_t position = 0;
    auto old = before.begin();
    for (; old != before.end() && old.key() != name; ++old) ++position;
    if (old == before.end()) {
      items.push_back(Json(name).dump() + ":" + value.dump());
      continue;
    }
    const std::string_view item = pieces.items[position];
    const std::string_view value_text = json_member_value(item);
    std::string name_text(item.substr(0, item.size() - value_text.size()));
    items.push_back(name_text + text_of(value_text, *old, value, depth + 1));
  }
  return put_together(pieces, items);
}

/// Elements that stay are found in their order; in a list of the same length each is what became of the one
/// in its place.
std::string text_of_array(const JsonPieces& pieces, const Json& before, const Json& now, int depth) {
  std::vector<std::string> items;
  std::size_t next = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now.size() == before.size()) {
      items.push_back(text_of(pieces.items[i], before[i], now[i], depth + 1));
      continue;
    }
    std::size_t at = next;
    while (at < before.size() && before[at] != now[i]) ++at;
    if (at == before.size()) {
      items.push_back(now[i].dump());
    } else {
      items.emplace_back(pieces.items[at]);
      next = at + 1;
    }
  }
  return put_together(pieces, items);
}

std::string text_of(std::string_view text, const Json& before, const Json& now, int depth) {
  if (before == now) return std::string(text);
  const bool objects = before.is_object() && now.is_object();
  if ((!objects && !(before.is_array() && now.is_array())) || depth > kDeepest) return now.dump();
  const auto pieces = json_pieces(text);
  if (!pieces || pieces->items.size() != before.size()) return now.dump();
  return objects ? text_of_object(*pieces, before, now, depth) : text_of_array(*pieces, before, now, depth);
}

std::string name_in(std::string_view item) {
  const Json name = Json::parse(item.substr(0, behind_string(item, 0)), nullptr, false);
  return name.is_string() ? name.get<std::string>() : std::string();
}

/// The value under this name; empty where there is none.
std::string_view value_of(std::string_view object, std::string_view name) {
  const auto pieces = json_pieces(trimmed(object));
  if (!pieces) return {};
  for (const std::string_view item : pieces->items) {
    if (name_in(item) == name) return json_member_value(item);
  }
  return {};
}

}  // namespace

std::optional<JsonPieces> json_pieces(std::string_view text) {
  const bool brackets = text.size() >= 2 && ((text.front() == '{' && text.back() == '}') ||
                                             (text.front() == '[' && text.back() == ']'));
  if (!brackets) return std::nullopt;
  std::vector<std::size_t> commas;
  int depth = 0;
  for (std::size_t at = 1; at + 1 < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = behind_string(text, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) commas.push_back(at);
    ++at;
  }
  JsonPieces out{.begin = text.substr(0, 1), .items = {}, .gaps = {}, .end = {}};
  const std::size_t last = text.size() - 1;
  std::size_t from = 1;
  commas.push_back(last);
  for (const std::size_t to : commas) {
    const std::string_view item = trimmed(text.substr(from, to - from));
    if (item.empty() && commas.size() > 1) return std::nullopt;
    if (!item.empty()) out.items.push_back(item);
    from = to + 1;
  }
  if (out.items.empty()) {
    out.begin = text.substr(0, last);
    out.end = text.substr(last);
    return out;
  }
  const auto position = [&](std::string_view item) {
    return static_cast<std::size_t>(item.data() - text.data());
  };
  const auto behind = [&](std::string_view item) { return position(item) + item.size(); };
  out.begin = text.substr(0, position(out.items.front()));
  out.end = text.substr(behind(out.items.back()));
  for (std::size_t i = 1; i < out.items.size(); ++i) {
    const std::size_t from_here = behind(out.items[i - 1]);
    out.gaps.push_back(text.substr(from_here, position(out.items[i]) - from_here));
  }
  return out;
}

std::string_view json_member_value(std::string_view item) {
  const std::size_t colon = item.find(':', behind_string(item, 0));
  return colon == std::string_view::npos ? std::string_view() : trimmed(item.substr(colon + 1));
}

std::string rewritten_json(std::string_view before, const nlohmann::ordered_json& now) {
  const Json old = Json::parse(before, nullptr, false);
  if (old == now) return std::string(before);
  const std::string_view inner = trimmed(before);
  if (old.is_discarded() || inner.empty()) return now.dump();
  const auto begin = static_cast<std::size_t>(inner.data() - before.data());
  std::string out(before.substr(0, begin));
  out += text_of(inner, old, now, 0);
  out += before.substr(begin + inner.size());
  return out;
}

std::vector<std::string_view> json_elements(std::string_view object, std::string_view name) {
  auto pieces = json_pieces(value_of(object, name));
  return pieces ? std::move(pieces->items) : std::vector<std::string_view>();
}

std::string with_elements(std::string_view object, std::string_view name,
                          std::span<const std::string> elements) {
  const std::string_view list = value_of(object, name);
  const auto pieces = json_pieces(list);
  if (!pieces || elements.empty()) return std::string(object);
  std::vector<std::string> items(pieces->items.begin(), pieces->items.end());
  items.insert(items.end(), elements.begin(), elements.end());
  const auto begin = static_cast<std::size_t>(list.data() - object.data());
  std::string out(object.substr(0, begin));
  out += put_together(*pieces, items);
  out += object.substr(begin + list.size());
  return out;
}

}  // namespace davit::model
