#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <davit/transfer.h>

namespace davit::tool {

/// Keeps the notes of a transfer until the command's own thread shows them; none where somebody wants it
/// quiet.
class Notes final : public Observer {
 public:
  explicit Notes(bool quiet) : quiet_(quiet) {}

  void note(const std::string& text) override {
    if (quiet_) return;
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  const bool quiet_;
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

}  // namespace davit::tool
