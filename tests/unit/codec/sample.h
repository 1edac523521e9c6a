#pragma once

#include <cstdint>
#include <string>

namespace davit::test {

/// Bytes that mix what layers hold: text, runs and noise. The same on every machine.
inline std::string sample(std::size_t size) {
  static constexpr const char* kWords[] = {"layer",  "manifest", "usr/share/doc", "0755",
                                           "config", "\n",       " = ",           "{}"};
  std::string out;
  std::uint64_t state = 88172645463325252u;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  };
  while (out.size() < size) {
    switch (next() % 16) {
      case 0: {  // arguments have no order of evaluation
        const auto value = static_cast<char>(next());
        out.append(next() % 5000, value);
        break;
      }
      case 1:
        for (auto left = next() % 3000; left > 0; --left) out += static_cast<char>(next());
        break;
      default:
        for (auto left = next() % 200; left > 0; --left) out += kWords[next() % 8];
    }
  }
  out.resize(size);
  return out;
}

/// Bytes that nothing shrinks.
inline std::string noise(std::size_t size) {
  std::string out(size, '\0');
  std::uint64_t state = 1;
  for (char& c : out) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return out;
}

}  // namespace davit::test
