#include "client/operations.h"

#include <utility>
#include <vector>

namespace davit::client {

Operations::Ticket::Ticket(Operations& all, std::stop_source stop) : all_(all), stop_(std::move(stop)) {
  MutexLock lock(all_.mutex_);
  all_.running_.insert(this);
}

Operations::Ticket::~Ticket() {
  MutexLock lock(all_.mutex_);
  all_.running_.erase(this);
  all_.changed_.notify_all();
}

Operations::~Operations() {
  std::vector<std::stop_source> stops;  // what a stop sets off must find the lock free
  {
    MutexLock lock(mutex_);
    for (const Ticket* ticket : running_) stops.push_back(ticket->stop_);
  }
  for (std::stop_source& stop : stops) stop.request_stop();
  MutexLock lock(mutex_);
  while (!running_.empty()) changed_.wait(mutex_);
}

}  // namespace davit::client
