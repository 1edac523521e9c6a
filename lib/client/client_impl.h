#pragma once

#include <davit/client.h>

#include "base/notifier.h"
#include "client/registries.h"
#include "codec/compress.h"
#include "transfer/order.h"
#include "transfer/progress.h"
#include "transfer/settings.h"

namespace davit {

/// The parts of a client, wired. Destroyed in the opposite order: connections and threads before what they
/// report to.
class Client::Impl {
 public:
  explicit Impl(ClientOptions given);

  /// Everything a push has to do, or the reason why it cannot begin.
  Result<std::vector<transfer::Order>> orders(std::string_view source,
                                              std::span<const std::string> destinations,
                                              const PushOptions& options, transfer::Board& board,
                                              const CallContext& context);
  Result<std::vector<Delivery>> push(std::string_view source, std::span<const std::string> destinations,
                                     const PushOptions& options, transfer::Board& board);

  const ClientOptions options;
  std::stop_source closing;  ///< the client's destructor says so to what runs in the background
  Notifier notifier;
  Log log;
  std::unique_ptr<net::Transport> transport;
  client::Registries registries;
  codec::Compressor compressor;
};

/// What a push does in terms of the engine.
transfer::Settings settings_for(const PushOptions& options, const ClientOptions& client);
CallContext context_for(const PushOptions& options);

}  // namespace davit
