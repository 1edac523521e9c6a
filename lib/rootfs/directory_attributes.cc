#include "rootfs/directory_attributes.h"

#include <cstring>

namespace davit::rootfs {
namespace {

template <class Number>
void put(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

template <class Number>
Number take(std::string_view& from) {
  Number number{};
  std::memcpy(&number, from.data(), sizeof number);
  from.remove_prefix(sizeof number);
  return number;
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string take_text(std::string_view& from) {
  const auto size = take<std::uint32_t>(from);
  std::string text(from.substr(0, size));
  from.remove_prefix(size);
  return text;
}

}  // namespace

std::string packed(const tar::Attributes& attributes) {
  std::string out;
  put(out, attributes.mode);
  put(out, attributes.user);
  put(out, attributes.group);
  put(out, attributes.mtime);
  put_text(out, attributes.user_name);
  put_text(out, attributes.group_name);
  for (const auto& [key, value] : attributes.records) {
    put_text(out, key);
    put_text(out, value);
  }
  return out;
}

tar::Attributes unpacked(std::string_view bytes) {
  tar::Attributes out;
  out.mode = take<std::uint32_t>(bytes);
  out.user = take<std::uint64_t>(bytes);
  out.group = take<std::uint64_t>(bytes);
  out.mtime = take<std::int64_t>(bytes);
  out.user_name = take_text(bytes);
  out.group_name = take_text(bytes);
  while (!bytes.empty()) {
    std::string key = take_text(bytes);
    out.records.emplace(std::move(key), take_text(bytes));
  }
  return out;
}

}  // namespace davit::rootfs
