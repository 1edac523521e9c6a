#pragma once

#include <davit/content.h>

#include "registry/answer.h"
#include "registry/location.h"
#include "registry/repository.h"
#include "registry/spool.h"
#include "registry/tape.h"

namespace davit::registry {

/// Stores one blob, with as many sessions and requests as that takes. Used once, by one thread.
class Upload {
 public:
  Upload(Repository& repository, const Content& content, const CallContext& context);

  Result<Descriptor> run();

 private:
  /// How one session ended.
  struct Ending {
    enum class Kind { stored, lost, trouble, failed };
    Kind kind = Kind::stored;
    Error error = {};
    Trouble trouble = Trouble::transient;
    std::optional<std::chrono::seconds> retry_after = {};
  };

  Ending attempt();
  Result<UploadTarget> begin();
  Ending put_whole();
  Ending put_spooled(const Spool& spool);
  Ending patches(std::uint64_t chunk);
  Ending close();
  Ending put(Call call);
  Ending judge(Result<Answer> answer);
  Ending stop(Error error) { return {.kind = Ending::Kind::failed, .error = std::move(error)}; }
  Call call_to(std::string method, const net::Url& url) const;
  Result<> follow(const Answer& answer);
  void cancel();
  [[nodiscard]] Error empty_blob() const;
  [[nodiscard]] std::uint64_t chunk_size() const;

  Repository& repository_;
  Registry& registry_;
  const Content& content_;
  const CallContext context_;
  Purpose why_;
  Tape tape_;
  std::optional<Descriptor> descriptor_;
  std::optional<UploadTarget> session_;
  std::uint64_t least_chunk_ = 0;
};

/// Removes an upload session that nobody will finish: half a second at most, whatever comes of it.
void cancel_session(Repository& repository, const UploadTarget& session);

/// Where an upload begins, from the answer to its POST. Errors: protocol, denied.
Result<UploadTarget> session_of(Repository& repository, const Purpose& why, const Answer& answer);

}  // namespace davit::registry
