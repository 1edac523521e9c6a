#include "aws/identity.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "auth/shared_calls.h"
#include "aws/call_loop.h"
#include "aws/setup.h"
#include "aws/sources.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/try.h"

namespace davit::aws {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::minutes;

/// With less than this left, one caller renews and the others go on with what there is.
constexpr minutes kAdvisory{15};
/// With less than this left, everybody waits for the renewal.
constexpr minutes kMandatory{10};
/// After a renewal that failed while there was time left.
constexpr minutes kPause{1};

/// Credentials, and when they are to be renewed.
struct Held {
  Credentials credentials;
  Clock::Wall early = Clock::Wall::max();
  Clock::Wall late = Clock::Wall::max();
};

class ChainIdentity final : public Identity {
 public:
  ChainIdentity(AwsIdentity who, AwsEnvironment environment, net::Transport& transport, Clock& clock, Log log,
                std::shared_ptr<ClockOffset> offset)
      : who_(std::move(who)),
        environment_(std::move(environment)),
        transport_(transport),
        clock_(clock),
        log_(std::move(log)),
        calls_(transport, clock, log_, std::move(offset)) {}

  Result<Credentials> credentials(const CallContext& context) override {
    const std::optional<Held> held = current();
    const Clock::Wall now = calls_.now();
    if (!held || now >= held->late) return ask(context);
    if (now < held->early || renewing_.exchange(true)) return held->credentials;
    auto renewed = ask(context);
    if (!renewed) put_off(held->credentials.keys, now + kPause);
    renewing_ = false;
    if (renewed) return renewed;
    log_.write(LogLevel::warning, "aws", "credentials could not be renewed yet",
               {{"source", held->credentials.source}, {"error", renewed.error().message}});
    return held->credentials;
  }

  void expired(const Keys& keys) override {
    MutexLock lock(mutex_);
    if (held_ && is_same(held_->credentials.keys, keys)) held_->early = held_->late = Clock::Wall::min();
  }

  Result<std::string> region(const CallContext& context) override {
    DAVIT_TRY(const std::shared_ptr<const Setup> setup, this->setup());
    if (std::string configured = setup->region(); !configured.empty()) return configured;
    return regions_.run(
        {},
        [&]() -> Result<std::string> {
          if (auto known = known_region()) return *std::move(known);
          std::vector<std::string> said;
          std::string found = instance_region(inquiry(*setup, context, said));
          DAVIT_TRY_VOID(check(context));  // else it is not known that there is none
          MutexLock lock(mutex_);
          region_ = found;
          return found;
        },
        context);
  }

  Result<Endpoint> endpoint(Service service, const std::string& region, const EndpointForm& form) override {
    DAVIT_TRY(const std::shared_ptr<const Setup> setup, this->setup());
    return setup->endpoint(service, region, form);
  }

 private:
  static bool is_same(const Keys& a, const Keys& b) {
    return a.id == b.id && a.session_token.reveal() == b.session_token.reveal();
  }

  std::optional<Held> current() DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return held_;
  }

  std::optional<std::string> known_region() DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return region_;
  }

  void put_off(const Keys& keys, Clock::Wall until) DAVIT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (held_ && is_same(held_->credentials.keys, keys)) held_->early = until;
  }

  /// The files as they were when they were last read.
  Result<std::shared_ptr<const Setup>> setup() DAVIT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (setup_) return setup_;
    }
    return read_setup();
  }

  Result<std::shared_ptr<const Setup>> read_setup() DAVIT_EXCLUDES(mutex_) {
    DAVIT_TRY(Setup setup, Setup::read(who_, environment_));
    auto fresh = std::make_shared<const Setup>(std::move(setup));
    MutexLock lock(mutex_);
    setup_ = fresh;
    return fresh;
  }

  Inquiry inquiry(const Setup& setup, const CallContext& context, std::vector<std::string>& said) {
    return {.setup = setup,
            .transport = transport_,
            .clock = clock_,
            .calls = calls_,
            .context = context,
            .sts = [this, &setup, &context]() -> Result<Endpoint> {
              DAVIT_TRY(std::string where, region(context));
              return setup.endpoint(Service::sts, where.empty() ? "us-east-1" : where, {});
            },
            .said = said};
  }

  /// Goes through the chain; one thread does, the others share what it finds.
  Result<Credentials> ask(const CallContext& context) {
    return questions_.run(
        {},
        [&]() -> Result<Credentials> {
          // Somebody may have been here between our look and our turn.
          if (auto held = current(); held && calls_.now() < held->early) return held->credentials;
          DAVIT_TRY(const auto setup, read_setup());
          std::vector<std::string> said;
          auto found = find_credentials(inquiry(*setup, context, said));
          if (!found) {
            Error error = std::move(found).error();
            // A role or account that its source does not know: to callers "not found" means their own thing.
            if (error.code == Errc::not_found) error.code = Errc::unauthenticated;
            return error;
          }
          DAVIT_TRY(const Held held, schedule(*std::move(found)));
          log_.write(LogLevel::debug, "aws", "credentials",
                     {{"source", held.credentials.source}, {"id", held.credentials.keys.id}});
          MutexLock lock(mutex_);
          held_ = held;
          return held.credentials;
        },
        context);
  }

  Result<Held> schedule(Credentials found) {
    Held held{.credentials = std::move(found)};
    if (!held.credentials.expires) return held;
    const Clock::Wall now = calls_.now();
    const auto left = duration_cast<milliseconds>(*held.credentials.expires - now);
    if (left.count() <= 0) {
      if (!held.credentials.may_be_stale && !calls_.knows_now()) {
        // It may be this machine's clock that is wrong. AWS decides, and shows its time with that.
        held.early = held.late = Clock::Wall::min();
        return held;
      }
      if (!held.credentials.may_be_stale)
        return make_error(Errc::unauthenticated,
                          held.credentials.source + ": the AWS credentials have expired");
      // The service has trouble getting new ones, and AWS accepts these meanwhile. Everybody who asks again
      // does so at another time.
      log_.write(LogLevel::warning, "aws", "using expired credentials",
                 {{"source", held.credentials.source}});
      held.late = now + minutes(5) + milliseconds(static_cast<std::int64_t>(clock_.random() * 300'000));
      held.early = held.late;
      return held;
    }
    held.late = *held.credentials.expires - kMandatory;
    held.early = *held.credentials.expires - kAdvisory;
    if (held.late <= now) held.late = now + left / 2;  // they never last longer
    if (held.early <= now) held.early = held.late;
    return held;
  }

  const AwsIdentity who_;
  const AwsEnvironment environment_;
  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  CallLoop calls_;
  auth::SharedCalls<Credentials> questions_;
  auth::SharedCalls<std::string> regions_;
  std::atomic<bool> renewing_{false};
  Mutex mutex_;
  std::optional<Held> held_ DAVIT_GUARDED_BY(mutex_);
  std::shared_ptr<const Setup> setup_ DAVIT_GUARDED_BY(mutex_);  // co-owned by whoever still uses an old one
  std::optional<std::string> region_ DAVIT_GUARDED_BY(mutex_);   // by instance metadata
};

}  // namespace

std::unique_ptr<Identity> make_identity(AwsIdentity who, AwsEnvironment environment,
                                        net::Transport& transport, Clock& clock, Log log,
                                        std::shared_ptr<ClockOffset> offset) {
  if (!offset) offset = std::make_shared<ClockOffset>();
  return std::make_unique<ChainIdentity>(std::move(who), std::move(environment), transport, clock,
                                         std::move(log), std::move(offset));
}

}  // namespace davit::aws
