#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <davit/transfer.h>

namespace davit::tool {

/// Keeps the notes of a transfer until the command's own thread shows them.
class Notes final : public Observer {
 public:
  void note(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

}  // namespace davit::tool
