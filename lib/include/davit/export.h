#pragma once

/// DAVIT_EXPORT marks what a shared libdavit shows; everything else is hidden.
#if defined(DAVIT_STATIC)
#define DAVIT_EXPORT
#else
#define DAVIT_EXPORT __attribute__((visibility("default")))
#endif
