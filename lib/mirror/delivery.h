#pragma once

#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "mirror/entries.h"
#include "mirror/find.h"
#include "mirror/ledger.h"
#include "mirror/outages.h"
#include "mirror/services.h"
#include "transfer/order.h"
#include "transfer/run.h"
#include "transfer/settings.h"

namespace davit::mirror {

/// Brings images to where they are missing. Each blob is read from a source once and uploaded to a registry
/// once; further repositories there get it by mounting. Used by one thread.
class Delivering {
 public:
  enum class Mode { deliver, plan };

  /// REQUIRES: everything outlives it. `enough`: nothing new is begun, what is under way is finished.
  Delivering(const Services& services, Entries& entries, Outages& outages, Mode mode, CallContext context,
             std::stop_token enough);

  void carry(std::vector<Find> finds);

  /// Of a plan: what would follow.
  [[nodiscard]] std::uint64_t planned_requests() const { return requests_; }
  [[nodiscard]] std::uint64_t planned_bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t planned_reads() const { return reads_; }

 private:
  enum class Mounting { unknown, works, refused };

  void leave_out_unreachable(std::vector<Find>& finds);
  void look_into_empty(std::vector<Find>& finds);
  bool holds_none(registry::Repository& repository, std::vector<std::vector<Descriptor>> images) const;
  [[nodiscard]] std::vector<std::size_t> waves_of(const std::vector<Find*>& finds) const;
  std::vector<Find*> try_mounts(const std::vector<Find*>& finds);
  [[nodiscard]] bool brings_for(const Find& one, const Find& other, const FoundPlace& at) const;
  [[nodiscard]] bool may_mount(const std::string& host) const;
  void learn_mounts(const Find& find, const FoundPlace& at, const Delivered& delivered);
  void carry_wave(const std::vector<Find*>& finds);
  transfer::Order order_for(Find& find);
  /// One for each place of each find, in their order.
  using Outcomes = std::vector<Result<Delivered>>;
  static Result<Outcomes> delivered(transfer::Run& run);
  Result<Outcomes> planned(transfer::Run& run);
  void succeeded(const Find& find, const FoundPlace& at, const Delivered& delivered);
  void failed(const Find& find, const FoundPlace& at, const Error& error);
  void count(const Plan& plan);

  const Services& services_;
  Entries& entries_;
  Outages& outages_;
  const Mode mode_;
  const CallContext context_;
  transfer::Settings settings_;
  Ledger ledger_;
  /// Repositories that list nothing, and whether they hold nothing either.
  std::map<std::string, bool> empty_;
  std::map<std::string, Mounting> mounting_;              ///< what registries do when asked to mount
  std::map<const Find*, std::vector<Descriptor>> blobs_;  ///< of the finds that are being carried
  std::set<std::string> read_, sent_;                     ///< of a plan: blobs that have been counted
  std::uint64_t requests_ = 0, bytes_ = 0, reads_ = 0;
};

}  // namespace davit::mirror
