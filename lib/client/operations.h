#pragma once

#include <memory>
#include <set>
#include <stop_token>

#include "base/mutex.h"

namespace davit::client {

/// What runs in the background of a client. Destroying it stops everything and waits for the end. Thread-safe.
class Operations {
 public:
  Operations() = default;
  ~Operations();
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  /// One operation, under way until this goes. REQUIRES: it goes before anything that waits for the operation's end.
  class Ticket {
   public:
    Ticket(Operations& all, std::stop_source stop);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    friend class Operations;
    Operations& all_;
    std::stop_source stop_;
  };

 private:
  Mutex mutex_;
  CondVar changed_;
  std::set<Ticket*> running_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::client
