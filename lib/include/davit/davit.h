#pragma once

/// \file
/// Everything libdavit promises, in one include.

#include <davit/artifact.h>
#include <davit/aws.h>
#include <davit/blob.h>
#include <davit/call_context.h>
#include <davit/client.h>
#include <davit/content.h>
#include <davit/credentials.h>
#include <davit/descriptor.h>
#include <davit/diff.h>
#include <davit/digest.h>
#include <davit/edit.h>
#include <davit/error.h>
#include <davit/image.h>
#include <davit/image_details.h>
#include <davit/inspect.h>
#include <davit/listing.h>
#include <davit/log.h>
#include <davit/manifest.h>
#include <davit/mirror.h>
#include <davit/output.h>
#include <davit/platform.h>
#include <davit/platforms.h>
#include <davit/reference.h>
#include <davit/referrers.h>
#include <davit/removal.h>
#include <davit/result.h>
#include <davit/rootfs.h>
#include <davit/secret.h>
#include <davit/timestamp.h>
#include <davit/transfer.h>
#include <davit/tree.h>
#include <davit/validate.h>
#include <davit/version.h>
