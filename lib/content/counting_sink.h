#pragma once

#include <davit/content.h>

namespace davit::content {

/// A sink that keeps nothing: what is read for it becomes known, and that is all. It has every blob whose
/// digest is known already, so only those are read that have to be compressed to know it. Thread-safe.
class CountingSink final : public ContentSink {
 public:
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                      const CallContext& context) override;
  Result<Descriptor> put_blob(const Content& content, const CallContext& context) override;
  Result<> put_manifest(const Manifest&, std::span<const std::string>, const CallContext&) override {
    return {};
  }
};

}  // namespace davit::content
