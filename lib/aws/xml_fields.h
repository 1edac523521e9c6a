#pragma once

#include <string>
#include <string_view>

namespace davit::aws {

/// The text of the first element of that name, whatever it is in, in the short XML documents that STS and S3
/// answer with. Empty when there is none, when it holds other elements, or when what comes before it is not
/// XML. Namespace prefixes are passed over; nothing is ever fetched or expanded beyond the five entities and
/// character references.
std::string xml_field(std::string_view document, std::string_view name);

}  // namespace davit::aws
