#pragma once

#include <map>
#include <optional>

#include <davit/call_context.h>
#include <davit/digest.h>
#include <davit/result.h>

#include "base/mutex.h"
#include "net/http.h"

namespace davit::registry {

/// A blob's address outside the registry, as a redirect gave it: signed, and good for a while.
struct BlobPlace {
  net::Url url;
  net::Peers peers = net::Peers::remote;  ///< which addresses it may lead to
};

/// Where the registry's redirects lead, so that many readers of one blob ask the registry once. Thread-safe.
class BlobPlaces {
 public:
  /// The right to ask the registry, which one reader has at a time. Destroyed without an answer, the next
  /// one asks.
  class Question {
   public:
    Question(BlobPlaces& places, const Digest& blob) : places_(&places), blob_(blob) {}
    Question(Question&& other) noexcept;
    Question& operator=(Question&&) = delete;
    ~Question();
    void answered(std::optional<BlobPlace> place);

   private:
    BlobPlaces* places_;
    Digest blob_;
  };

  struct Advice {
    std::optional<BlobPlace> place = {};    ///< go there, without asking the registry
    std::optional<Question> question = {};  ///< ask the registry, and tell
  };
  /// With neither in the advice: ask the registry, it serves the blob itself. Waits while somebody else is
  /// asking. Errors: cancelled, timeout.
  Result<Advice> advice(const Digest& blob, const CallContext& context);

  /// The place refused: its signature has expired.
  void refused(const Digest& blob, const net::Url& url);

 private:
  struct Entry {
    bool asking = false;
    bool at_registry = false;
    std::optional<BlobPlace> place = {};
  };
  void settle(const Digest& blob, bool known, std::optional<BlobPlace> place);

  Mutex mutex_;
  CondVar changed_;
  std::map<Digest, Entry> entries_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::registry
