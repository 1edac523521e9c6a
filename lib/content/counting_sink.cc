#include "content/counting_sink.h"

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"

namespace davit::content {

Result<std::vector<Presence>> CountingSink::probe(std::span<const Descriptor> wanted, const CallContext&) {
  std::vector<Presence> out;
  for (const Descriptor& each : wanted)
    out.push_back(model::is_manifest(model::essence(each.media_type)) ? Presence::absent : Presence::present);
  return out;
}

Result<Descriptor> CountingSink::put_blob(const Content& content, const CallContext& context) {
  DAVIT_TRY(const auto opened, content.open(0, context));
  std::vector<std::byte> buffer(64 << 10);
  for (std::size_t count = 1; count != 0;) {
    DAVIT_TRY_VOID(check(context));
    DAVIT_TRY(count, opened->read(buffer));
  }
  if (const auto known = content.descriptor()) return *known;
  return make_error(Errc::internal, "a blob that was read and has no digest");
}

}  // namespace davit::content
